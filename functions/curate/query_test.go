package curate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
)

// Every route refuses unknown parameters and invalid values. The error says what is allowed.
func TestQueriesAreChecked(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	run := "/v1/runs/" + id
	for path, says := range map[string]string{
		run + "/samples?filterr=x": `query parameter "filterr" is unknown; did you mean "filter"?; ` +
			"known are: page_size, page_token, id, filter, selection",
		run + "/samples?filter=":                       "filter: the value is empty; give a value, or leave ",
		run + "/samples?filter=status%3Dok&filter=":    "filter: the value is empty",
		run + "/samples?id=":                           "id: the value is empty",
		run + "/samples?id=a&filter=status%3Dok":       "id: it cannot be combined",
		run + "/samples?selection=":                    "selection: the value is empty",
		run + "/samples?page_size=1&page_size=2":       "page_size: the query parameter is given 2 times; give it once",
		run + "/samples?filter=%zz":                    "reading the query: ",
		run + "/samples/@0/images/1?height=3":          `known are: width`,
		run + "/samples/@0/images/1?width=":            "width: the value is empty",
		run + "/samples/@0?width=3":                    `query parameter "width" is unknown; this call has no query`,
		run + "?verbose=1":                             "this call has no query parameters",
		run + "/selections?page=2":                     `query parameter "page" is unknown`,
		run + "/selections/0123456789ab/explain?ids=a": `did you mean "id"?`,
		"/v1/runs?state=scored":                        "known are: page_size, page_token",
		"/v1/openapi.yaml?format=json":                 "this call has no query parameters",
		"/docs?x=":                                     "this call has no query parameters",
		"/?x=1":                                        "known are: page_size, page_token",
	} {
		problem, _ := want[api.Problem](s, http.StatusBadRequest, "GET", path, "")
		if !strings.Contains(problem.Detail, says) {
			t.Errorf("%s: %s, want %s", path, problem.Detail, says)
		}
	}
	for range 20 { // the error is the same each time
		problem, _ := want[api.Problem](s, http.StatusBadRequest, "GET", run+"/samples?selection=&filter=", "")
		if !strings.HasPrefix(problem.Detail, "filter: ") {
			t.Errorf("of two empty parameters: %s, want the first by name", problem.Detail)
		}
	}
	twice, _ := want[api.Problem](s, http.StatusBadRequest, "POST", run+"/selections:preview",
		`{"budget": 2, "caps": {"image": 1, "image": 2}}`)
	if !strings.Contains(twice.Detail, `the field "image" is given twice`) {
		t.Errorf("a field given twice: %s", twice.Detail)
	}
	for _, path := range []string{"/v1/plans", "/v1/runs", run + ":resume", run + "/sweep", run + "/selections:preview"} {
		want[api.Problem](s, http.StatusBadRequest, "POST", path+"?dry_run=true", "{}")
	}
}

// If a request has a field that the form lacks, the error is an HTML page. Empty fields are allowed, because a browser
// also sends the fields that nobody filled in.
func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	s, id := withImages(t)
	for path, status := range map[string]int{
		"/runs/" + id + "/samples?filter=&filter=&source=&selection=": 200,
		"/runs/" + id + "/samples?filters=x":                          400,
		"/runs/" + id + "/select?budget=1&threshold=&source_cap=":     200,
		"/runs/" + id + "/select?budgets=1":                           400,
		"/runs/" + id + "?x=1":                                        400,
		"/runs/" + id + "/samples/nobody":                             404,
	} {
		page := s.visit("GET", path, nil)
		if page.Code != status || !strings.Contains(page.Body.String(), "<!doctype html>") {
			t.Errorf("%s is answered %d: %s", path, page.Code, page.Body)
		}
	}
	long := strings.Repeat("9", 100_000)
	for _, form := range []url.Values{
		{"budgets": {"1"}}, {"budget": {"1", "2"}}, {"budget": {"1"}, "<script>": {"x"}},
		{"budget": {"<script>alert(1)</script>"}},
		{"budget": {long}}, {"budget": {"1"}, "threshold": {"\x00"}}, {"budget": {"1"}, "strategy": {"\u202eevil<b>"}},
		{"budget": {"1"}, "source_cap": {"-1"}}, {"budget": {"1"}, "max_failed": {"NaN%"}}, {},
	} {
		page := s.visit("POST", "/runs/"+id+"/select", form)
		body := page.Body.String()
		if page.Code != 400 && page.Code != 422 || strings.Contains(body, "<script>alert") ||
			strings.Contains(body, "evil<b>") || strings.Contains(body, "\u202e") || len(body) > 50_000 {
			t.Errorf("%.100v is answered %d with %d bytes: %.3000s", form, page.Code, len(body), body)
		}
	}
	for _, form := range []url.Values{
		{"do": {"explode"}}, {"do": {"resume", "cancel"}}, {"do": {"resume"}, "x": {""}}, {},
	} {
		if page := s.visit("POST", "/runs/"+id, form); page.Code != 400 {
			t.Errorf("%v is answered %d", form, page.Code)
		}
	}
}
