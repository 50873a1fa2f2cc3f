package curate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api/apitest"
)

// openapi.yaml describes the routes of the API, and no others.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	document, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, r := range (server{}).routes() {
		path := strings.TrimSuffix(r.path, "{$}")
		if r.method == "POST" && path == runPath {
			for _, v := range verbs {
				served = append(served, r.method+" "+path+":"+v.name)
			}
			continue
		}
		served = append(served, r.method+" "+path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("calls (-served +described):\n%s", diff)
	}
}

// Each route has the query parameters that openapi.yaml describes. A parameter that may be repeated is an array there.
func TestParametersAreDescribed(t *testing.T) {
	t.Parallel()
	document, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]bool{}
	for _, r := range (server{}).routes() {
		if r.method == "POST" && r.path == runPath {
			continue // the verbs of a run
		}
		item := document.Paths.Value(strings.TrimSuffix(r.path, "{$}"))
		if item == nil || item.GetOperation(r.method) == nil {
			t.Errorf("%s %s is not in openapi.yaml", r.method, r.path)
			continue
		}
		var described []string
		for _, p := range item.GetOperation(r.method).Parameters {
			if p.Value.In == "query" {
				described = append(described, p.Value.Name)
				lists[p.Value.Name] = p.Value.Schema.Value.Type.Is("array")
			}
		}
		slices.Sort(described)
		if diff := cmp.Diff(slices.Sorted(slices.Values(r.query)), described); diff != "" {
			t.Errorf("%s %s: parameters (-accepted +described):\n%s", r.method, r.path, diff)
		}
	}
	for name, list := range lists {
		if slices.Contains(repeated, name) != list {
			t.Errorf("%s is a list in openapi.yaml: %t", name, list)
		}
	}
}

// Each successful JSON answer has an example. apitest.Document checks the example against the type of the answer.
func TestAnswersHaveExamples(t *testing.T) {
	t.Parallel()
	document, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				media := response.Value.Content["application/json"]
				if media != nil && strings.HasPrefix(status, "2") && media.Example == nil && len(media.Examples) == 0 {
					t.Errorf("%s %s: the answer %s has no example", method, path, status)
				}
			}
		}
	}
}
