package apitest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api/apitest"
)

// A recorder is a test that records failures, so that they do not fail the real test.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }

// Each difference between a service and the description fails a test.
func TestDescribed(t *testing.T) {
	t.Parallel()
	const problem = `{"title": "Not Found", "status": 404, "detail": "no such run"}`
	const asks, made = "/v1/runs/a/selections", `{"selections": []}`
	const plain, fault = "application/json", "application/problem+json"
	for name, tt := range map[string]struct {
		method, path, body, contentType string
		status                          int
		answer                          string
		fails                           bool
	}{
		"as described":        {"GET", "/v1/runs", "", plain, 200, `{"runs": []}`, false},
		"a problem":           {"GET", "/v1/runs/a", "", fault, 404, problem, false},
		"no such path":        {"GET", "/v1/moons", "", fault, 404, problem, false},
		"path":                {"GET", "/v1/moons", "", plain, 200, `{}`, true},
		"method":              {"PUT", "/v1/runs", "", plain, 200, `{}`, true},
		"verb":                {"POST", "/v1/runs/a:explode", "", plain, 202, `{}`, true},
		"status":              {"GET", "/v1/runs", "", plain, 202, `{"runs": []}`, true},
		"content type":        {"GET", "/v1/runs", "", "text/plain", 200, `{"runs": []}`, true},
		"field of an answer":  {"GET", "/v1/runs", "", plain, 200, `{"runs": [], "more": 1}`, true},
		"type of a field":     {"GET", "/v1/runs", "", plain, 200, `{"runs": {}}`, true},
		"missing field":       {"GET", "/v1/runs", "", plain, 200, `{}`, true},
		"field of a problem":  {"GET", "/v1/runs/a", "", fault, 404, `{"status": 404}`, true},
		"missing parameter":   {"GET", asks + "/b/explain", "", plain, 200, `{"samples": []}`, true},
		"missing header":      {"POST", "/v1/runs", `{"dataset": "a", "manifests": ["b"]}`, fault, 503, problem, true},
		"refused request":     {"POST", asks, `{"size": 1}`, fault, 404, problem, false},
		"field of a request":  {"POST", asks, `{"size": 1}`, plain, 200, made, true},
		"a request":           {"POST", asks, `{"budget": 1}`, plain, 200, made, false},
		"a rule of a request": {"POST", asks, `{"caps": {"moon": 1}}`, plain, 200, made, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			handler := apitest.Described(r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.answer))
			}))
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
			if (r.failures > 0) != tt.fails || answer.Code != tt.status || answer.Body.String() != tt.answer {
				t.Errorf("%d failures, answered %d %s", r.failures, answer.Code, answer.Body)
			}
		})
	}
}
