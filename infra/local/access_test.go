package local_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/infra/local"
)

// TestAccess calls the server of a stack like pages of other sites and programs of other machines.
func TestAccess(t *testing.T) {
	t.Parallel()
	s := start(t, local.Options{AllowHosts: []string{"farm.example"}})
	const task = `{"message": {"messageId": "1", "attributes": {"task": "reconcile"}, "data": "e30="}}`
	for _, tt := range []struct {
		method, path, host, site string
		status                   int
		says                     string
	}{
		{"GET", "/v1/runs", "", "", 200, "runs"},
		{"GET", "/v1/runs", "localhost", "", 200, "runs"},
		{"GET", "/v1/runs", "farm.example:8080", "", 200, "runs"},
		{"GET", "/v1/runs", "evil.example", "", 421, `--allow-host`},
		{"GET", "/", "evil.example", "", 421, `evil.example`},
		{"GET", "/docs", "evil.example", "", 421, `evil.example`},
		{"GET", "/v1/openapi.yaml", "evil.example", "", 421, `evil.example`},
		{"GET", "/", "", "", 200, "/docs"},
		{"GET", "/docs", "", "", 200, "GET /v1/runs/{run}"},
		{"GET", "/v1/openapi.yaml", "", "", 200, "openapi: 3.1.0"},
		{"POST", "/v1/runs", "", "cross-site", 403, "another origin"},
		{"GET", "/v1/runs", "", "cross-site", 403, "another origin"},
		{"GET", "/anything", "", "cross-site", 403, "another origin"},
		{"GET", "/v1/runs", "", "none", 200, "runs"},
		{"POST", "/v1/runs/x:cancel", "", "same-site", 403, "another origin"},
		{"POST", "/anything", "", "cross-site", 403, "another origin"},
		{"POST", "/push", "", "", 404, "the API is below"},
		{"POST", "/ingest", "", "", 404, "the API is below"},
		{"POST", "/score", "", "", 404, "the API is below"},
		{"POST", "/v1/../push", "", "", 307, ""}, // redirected to /push
		{"POST", "/%70ush", "", "", 404, "the API is below"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, strings.NewReader(task))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		if tt.site != "" {
			req.Header.Set("Sec-Fetch-Site", tt.site)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.says) {
			t.Errorf("%s %s to %q: answered %d %s %v, want %d and %q",
				tt.method, tt.path, tt.host, resp.StatusCode, body, err, tt.status, tt.says)
		}
	}
}
