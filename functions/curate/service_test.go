package curate_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
)

// TestWhatThisIs requests the root of the service like a program and like a browser.
func TestWhatThisIs(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	if got, _ := want[api.Service](s, http.StatusOK, "GET", "/", ""); got != api.NewService() {
		t.Errorf("answered %+v", got)
	}
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	page := httptest.NewRecorder()
	s.api().ServeHTTP(page, request)
	checkPage(t, page)
	for _, text := range []string{`href="/docs"`, "There is no run yet", "datasets/NAME/dataset.json"} {
		if !strings.Contains(page.Body.String(), text) {
			t.Errorf("the page lacks %s", text)
		}
	}
}

// TestDescription requests the description of the API as YAML and as a page.
func TestDescription(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	answer := s.call("GET", "/v1/openapi.yaml", "")
	if kind := answer.Header().Get("Content-Type"); kind != "application/yaml" ||
		!bytes.Equal(answer.Body.Bytes(), api.Description()) {
		t.Errorf("answered %d bytes of %s", answer.Body.Len(), kind)
	}
	page := s.call("GET", "/docs", "")
	checkPage(t, page)
}

// checkPage requires that an answer is a page whose policy lets it load nothing.
func checkPage(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	header := answer.Header()
	if answer.Code != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" ||
		header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'; ") {
		t.Errorf("answered %d with %v", answer.Code, header)
	}
}
