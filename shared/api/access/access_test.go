package access_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/api/access"
)

var served = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

func TestHosts(t *testing.T) {
	t.Parallel()
	hosts, err := access.NewHosts("0.0.0.0", "Farm.Example", "2001:db8::1", "10.1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	handler := hosts.Guard(served)
	for host, status := range map[string]int{
		"localhost": 204, "localhost:8080": 204, "LOCALHOST.:8080": 204, "127.0.0.1:8080": 204, "127.9.9.9": 204,
		"[::1]:8080": 204, "[::1]": 204, "[::ffff:127.0.0.1]:1": 204, "0.0.0.0:8080": 204,
		"farm.example:80": 204, "farm.example.": 204, "[2001:db8::1]:80": 204, "10.1.2.3": 204,
		"evil.example:8080": 421, "evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
		"a.farm.example": 421, "10.1.2.4": 421, "[2001:db8::2]": 421, "": 421, "127.1": 421, "evil.example\x1b[2J": 421,
	} {
		request := httptest.NewRequest(http.MethodGet, "/v1/runs", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != status {
			t.Errorf("%q: answered %d, want %d", host, answer.Code, status)
		}
		if status != http.StatusMisdirectedRequest {
			continue
		}
		var problem api.Problem
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || problem.Status != status ||
			!strings.Contains(problem.Detail, "--allow-host") || strings.Contains(answer.Body.String(), "\x1b") ||
			answer.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q: %s %v", host, answer.Body, err)
		}
		if host == "evil.example:8080" && !strings.Contains(problem.Detail, `"evil.example"`) {
			t.Errorf("%q is not named: %s", host, problem.Detail)
		}
	}
}

func TestInvalidHosts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "http://farm.example", "farm.example:80", "*.example", "a/", "a b", "a\x1b"} {
		if _, err := access.NewHosts(name); err == nil || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSameSite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, header, value string
		status                int
	}{
		"a program":                                  {http.MethodPost, "", "", 204},
		"a page of the server":                       {http.MethodPost, "Sec-Fetch-Site", "same-origin", 204},
		"another site":                               {http.MethodPost, "Sec-Fetch-Site", "cross-site", 403},
		"a page of a sibling domain":                 {http.MethodPost, "Sec-Fetch-Site", "same-site", 403},
		"an older browser":                           {http.MethodPost, "Origin", "http://evil.example", 403},
		"no origin":                                  {http.MethodDelete, "Origin", "null", 403},
		"an image on a page of another site":         {http.MethodGet, "Sec-Fetch-Site", "cross-site", 403},
		"an image on a page of a sibling domain":     {http.MethodGet, "Sec-Fetch-Site", "same-site", 403},
		"HEAD of another site":                       {http.MethodHead, "Sec-Fetch-Site", "cross-site", 403},
		"OPTIONS of another site":                    {http.MethodOptions, "Sec-Fetch-Site", "cross-site", 403},
		"a typed URL":                                {http.MethodGet, "Sec-Fetch-Site", "none", 204},
		"a script of the server":                     {http.MethodGet, "Sec-Fetch-Site", "same-origin", 204},
		"an older browser, a script of another site": {http.MethodGet, "Origin", "http://evil.example", 403},
		"an opaque script":                           {http.MethodGet, "Origin", "null", 403},
		"an older browser, a script of the server":   {http.MethodGet, "Origin", "http://example.com", 204},
		"an older browser, a page of the server":     {http.MethodPost, "Origin", "http://example.com", 204},
	} {
		request := httptest.NewRequest(tt.method, "/v1/runs", nil)
		if tt.header != "" {
			request.Header.Set(tt.header, tt.value)
		}
		answer := httptest.NewRecorder()
		access.SameSite(served).ServeHTTP(answer, request)
		if answer.Code != tt.status {
			t.Errorf("%s: answered %d, want %d", name, answer.Code, tt.status)
		}
	}
}
