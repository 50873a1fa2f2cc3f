package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api/access"
)

func FuzzHosts(f *testing.F) {
	for _, host := range []string{
		"localhost:8080", "127.0.0.1", "[::1]:80", "evil.example", "[::ffff:127.0.0.1]", "farm.example.", "a:b:c", "[", "",
	} {
		f.Add(host, "farm.example")
	}
	f.Fuzz(func(t *testing.T, host, listed string) {
		hosts, err := access.NewHosts(listed)
		if err != nil {
			return
		}
		request := httptest.NewRequest(http.MethodGet, "/v1/runs", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		hosts.Guard(served).ServeHTTP(answer, request)
		switch answer.Code {
		case http.StatusNoContent:
			name, known := strings.ToLower(host), strings.Trim(strings.ToLower(listed), "[].")
			if !strings.Contains(name, "localhost") && !strings.ContainsAny(name, "0123456789:") &&
				!strings.Contains(name, known) {
				t.Errorf("%q is called with %q listed", host, listed)
			}
		case http.StatusMisdirectedRequest:
			if strings.ContainsAny(answer.Body.String(), "\x1b\r") {
				t.Errorf("%q is repeated in %q", host, answer.Body)
			}
		default:
			t.Errorf("%q is answered %d", host, answer.Code)
		}
	})
}
