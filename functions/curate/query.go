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

// repeated lists the parameters that may be given several times.
var repeated = []string{"id", "filter"}

// mayBeEmpty is the only parameter whose value may be empty: clients send an empty value to request the first page.
const mayBeEmpty = "page_token"

// checked returns a call that checks the query before it makes the call of a route. The check refuses unknown
// parameters: if they were ignored, a caller would not notice.
func (r route) checked() call {
	return func(request *http.Request) (answer, error) {
		given, err := url.ParseQuery(request.URL.RawQuery)
		if err != nil {
			return answer{}, api.NewProblem(http.StatusBadRequest, fmt.Sprintf("reading the query: %v", err))
		}
		if fault := checkNames(given, r.query, "query parameter"); fault != "" {
			return answer{}, api.NewProblem(http.StatusBadRequest, fault)
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if !r.page && name != mayBeEmpty && slices.Contains(given[name], "") {
				return answer{}, api.NewProblem(http.StatusBadRequest,
					fmt.Sprintf("%s: the value is empty; give a value, or leave the parameter out", name))
			}
		}
		return r.call(request)
	}
}

// checkNames returns the text of an error about the first name that is unknown, or that is given several times and may
// not be repeated. The text is empty if all names are valid.
func checkNames(given url.Values, known []string, noun string) string {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case len(known) == 0:
			return fmt.Sprintf("%s %q is unknown; this call has no %ss", noun, name, noun)
		case !slices.Contains(known, name):
			return fmt.Sprintf("%s %q is unknown%s; known are: %s", noun, name, spelling.Hint(name, known),
				strings.Join(known, ", "))
		case len(given[name]) > 1 && !slices.Contains(repeated, name):
			return fmt.Sprintf("%s: the %s is given %d times; give it once", name, noun, len(given[name]))
		}
	}
	return ""
}
