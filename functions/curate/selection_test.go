package curate_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
)

// Several budgets make nested selections: each contains the one before it.
func TestBudgetsByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	const body = `{"budgets": [1, "40%", 4], "exclude": ["r04"], "weights": {"humanities": 2}}`
	made, _ := want[api.NestedSelections](s, http.StatusAccepted, "POST", path, body)
	s.work()
	again, _ := want[api.NestedSelections](s, http.StatusOK, "POST", path, body)
	var first, second []string
	for i, sel := range again.Selections {
		if size := []int{1, 2, 4}[i]; sel.Selected != size || sel.State != api.Completed || len(sel.Parameters.Within) != i {
			t.Errorf("selection %d: %d selected, Within %v, state %s; want %d selected",
				i, sel.Selected, sel.Parameters.Within, sel.State, size)
		}
		first, second = append(first, made.Selections[i].ID), append(second, sel.ID)
	}
	if diff := cmp.Diff(first, second); len(second) != 3 || diff != "" {
		t.Errorf("selections (-first +again):\n%s", diff)
	}
}

// If one budget is invalid, no selection is made for any budget.
func TestBudgetsRefused(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.scored()
	for body, detail := range map[string]string{
		`{"budgets": [2, 1]}`:                                           "give budgets in ascending order",
		`{"budgets": [1, 2, 6]}`:                                        "the most is 5",
		`{"budgets": [` + strings.Repeat("1, ", 20) + `2]}`:             "budgets: 21 budgets are more than the limit of 20",
		`{"budget": 2, "within": [` + strings.Repeat("1, ", 19) + `1]}`: "budgets: 21 budgets are more than the limit of 20",
		`{"budgets": [1, 4], "include": ["a", "r1"]}`:                   `"a", "r1"`,
	} {
		problem, _ := want[api.Problem](s, http.StatusUnprocessableEntity, "POST", "/v1/runs/"+id+"/selections", body)
		if !strings.Contains(problem.Detail, detail) {
			t.Errorf("%s: detail %q, which lacks %q", body, problem.Detail, detail)
		}
	}
	if made := s.Status(id).Selections; len(made) > 0 {
		t.Errorf("the refused requests made the selections %v", made)
	}
}

func TestExplainByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	const request = `{"budget": 2, "include": ["r03"], "exclude": ["r01"]}`
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, request)
	explained, _ := want[api.ExplanationList](s, http.StatusOK, "GET", path+"/"+sel.ID+"/explain?id=r03&id=r01", "")
	got := explained.Samples
	if len(got) != 2 || got[0].ID != "r03" || got[0].Order != 1 || got[0].Rule != "include" ||
		got[1].ID != "r01" || got[1].Index != 1 || got[1].Order != 0 || !strings.Contains(string(got[1].Reason), "excluded") {
		t.Errorf("explanations %+v", got)
	}
}

// The error of an invalid request names the nearest valid value.
func TestRequestProblems(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2}`)
	explain := path + "/" + sel.ID + "/explain"
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"budget and budgets": {
			"POST", path, `{"budget": 2, "budgets": [1, 2]}`, 400, "give budget or budgets, not both",
		},
		"budgets of a run": {
			"POST", "/v1/runs", `{"dataset": "demo", "budgets": [1, 2]}`, 400, "a run has one budget; POST",
		},
		"unknown rule": {
			"POST", path, `{"budget": 2, "weight": {"humanities": 2}}`, 400, `unknown field "weight"`,
		},
		"unknown part of a rule":   {"POST", path, `{"budget": 2, "caps": {"sample": 2}}`, 400, `unknown field "sample"`},
		"cap that is not a number": {"POST", path, `{"budget": 2, "caps": {"source": "few"}}`, 400, `"few"`},
		"minimum over a source":    {"POST", path, `{"budget": 5, "minimums": {"tests": 6}}`, 422, "the most is 5"},
		"includes beyond a budget": {"POST", path, `{"budget": 1, "include": ["r00", "r01"]}`, 422, "the least is 2"},
		"weight 0":                 {"POST", path, `{"budget": 1, "weights": {"humanities": 0}}`, 422, "give 1e-06 to 1e+06"},
		"unknown source":           {"POST", path, `{"budget": 1, "sources": {"keep": ["moon"]}}`, 422, "known are: tests"},
		"unknown unit of tokens":   {"POST", path, `{"budget": "1G-tokens"}`, 400, `"1G-tokens"`},
		"more tokens than all":     {"POST", path, `{"budget": "1M-tokens"}`, 422, "give 1 to"},
		"show an unknown id":       {"GET", strings.TrimSuffix(path, "/selections") + "/samples?id=zz", "", 422, `"zz"`},
		"show of unknown run":      {"GET", "/v1/runs/sky-000000000000/samples?id=r00", "", 404, "sky-000000000000"},
		"explain nothing":          {"GET", explain, "", 400, "?id="},
		"explain an unknown id":    {"GET", explain + "?id=r00&id=zz", "", 422, `"zz"`},
		"explain by an unknown id": {"GET", path + "/000000000000/explain?id=r00", "", 404, "no such selection"},
		"explain of unknown run": {
			"GET", "/v1/runs/sky-000000000000/selections/000000000000/explain?id=r00", "", 404, "sky-000000000000",
		},
		"method of explain": {"POST", explain, "", 405, "GET, HEAD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s
			s.t = t
			problem, _ := want[api.Problem](s, tt.status, tt.method, tt.path, tt.body)
			if problem.Status != tt.status || !strings.Contains(problem.Detail, tt.detail) {
				t.Errorf("problem %+v, want status %d and a detail with %q", problem, tt.status, tt.detail)
			}
		})
	}
}

// The API accepts every rule as the README writes it, and returns it in the selection's parameters.
func TestEveryRuleByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	for rule, name := range map[string]string{
		`"capabilities": ["logical deduction", "stem knowledge"]`: "capabilities",
		`"weights": {"stem knowledge": 3}`:                        "weights",
		`"threshold": 1`:                                          "threshold",
		`"thresholds": {"humanities": 2}`:                         "thresholds",
		`"within_bin": "score"`:                                   "within_bin",
		`"styles": {"keep": [], "drop": ["coordinate"]}`:          "styles",
		`"sources": {"keep": ["tests"], "drop": []}`:              "sources",
		`"unique": true`:                                          "unique",
		`"include": ["r02"]`:                                      "include",
		`"exclude": ["r02"]`:                                      "exclude",
		`"minimums": {"tests": 1}`:                                "minimums",
		`"caps": {"source": "80%", "style": 2000, "image": 3}`:    "caps",
		`"strategy": "random"`:                                    "strategy",
		`"seed": 7`:                                               "seed",
		`"ratings_only": true`:                                    "ratings_only",
	} {
		answer := s.call("POST", path, `{"budget": 2, `+rule+`}`)
		var made struct {
			Parameters struct{ Spec map[string]any }
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil || answer.Code != http.StatusAccepted {
			t.Errorf("%s: answered %d %s (%v)", rule, answer.Code, answer.Body, err)
		} else if _, found := made.Parameters.Spec[name]; !found {
			t.Errorf("%s: the parameters are %v", rule, made.Parameters.Spec)
		}
	}
	tokens, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": "100-tokens"}`)
	if !tokens.Parameters.InTokens || tokens.Parameters.Budget != 100 || tokens.Selected == 0 {
		t.Errorf("%d selected by %+v", tokens.Selected, tokens.Parameters)
	}
}

// The report is stored when the selection's parts are written. The selection and its event name the report, and the API
// serves it as HTML.
func TestReport(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	sel, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2}`)
	path += "/" + sel.ID
	problem, _ := want[api.Problem](s, http.StatusConflict, "GET", path+"/report", "")
	if !strings.Contains(problem.Detail, "is being written") {
		t.Errorf("before the report is written: %q", problem.Detail)
	}
	s.work()
	sel, _ = want[api.SelectionStatus](s, http.StatusOK, "GET", path, "")
	stored := string(s.Read(sel.Outputs.Report))
	answer := s.call("GET", path+"/report", "")
	if answer.Code != http.StatusOK || answer.Body.String() != stored || !strings.Contains(stored, sel.ID) {
		t.Errorf("answered %d %s, stored %s", answer.Code, answer.Body, stored)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", kind)
	}
	named := 0
	for _, m := range s.Events.Take() {
		if strings.Contains(string(m.Data), `"report":{"uri":"gs://work/`+sel.Outputs.Report+`"`) {
			named++
		}
	}
	if named != 1 {
		t.Errorf("%d events name the report", named)
	}
	want[api.Problem](s, http.StatusNotFound, "GET", path[:len(path)-1]+"x/report", "")
}
