package curate

import (
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
)

// getService serves GET /: a page for people, JSON for programs.
func (s server) getService(r *http.Request) (answer, error) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		return s.page(s.docs.Home), nil
	}
	return answer{status: http.StatusOK, body: api.NewService()}, nil
}

func (s server) getDocs(*http.Request) (answer, error) { return s.page(s.docs.Reference), nil }

func (s server) page(content []byte) answer {
	return answer{status: http.StatusOK, body: file{
		contentType: "text/html; charset=utf-8", content: content, policy: s.docs.Policy,
	}}
}

func (s server) getDescription(*http.Request) (answer, error) {
	return answer{status: http.StatusOK, body: file{contentType: "application/yaml", content: api.Description()}}, nil
}
