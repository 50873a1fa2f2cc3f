package curate

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// repeated are the parameters that may be given several times.
var repeated = []string{"id", "filter"}

// mayBeEmpty is the parameter that a client of lists sends without a value for the first page.
const mayBeEmpty = "page_token"

// checked is the call of a route that first checks the query. It refuses unknown parameters, because a caller would not
// notice that they were ignored.
func (r route) checked() call {
	return func(request *http.Request) (answer, error) {
		given, err := url.ParseQuery(request.URL.RawQuery)
		if err != nil {
			return answer{}, api.NewProblem(http.StatusBadRequest, fmt.Sprintf("reading the query: %v", err))
		}
		if fault := checkNames(given, r.query, "query parameter"); fault != "" {
			return answer{}, api.NewProblem(http.StatusBadRequest, fault)
		}
		for name, values := range given {
			if !r.page && name != mayBeEmpty && slices.Contains(values, "") {
				return answer{}, api.NewProblem(http.StatusBadRequest,
					fmt.Sprintf("%s: it is empty; give a value, or leave it out", name))
			}
		}
		return r.call(request)
	}
}

// checkNames reports a name that is not known, or a single-valued name that is given several times. It is empty if all
// are valid.
func checkNames(given url.Values, known []string, noun string) string {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case len(known) == 0:
			return fmt.Sprintf("%q is not a %s here; there is none", name, noun)
		case !slices.Contains(known, name):
			return fmt.Sprintf("%q is not a %s here%s; known are: %s", name, noun, spelling.Hint(name, known),
				strings.Join(known, ", "))
		case len(given[name]) > 1 && !slices.Contains(repeated, name):
			return fmt.Sprintf("%s: it is given %d times; give it once", name, len(given[name]))
		}
	}
	return ""
}
