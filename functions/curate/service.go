package curate

import (
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
)

// getService serves GET /: the list of runs for browsers, and a description of the service for programs.
func (s server) getService(r *http.Request) (answer, error) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		return s.runsPage(r)
	}
	return answer{status: http.StatusOK, body: api.NewService()}, nil
}

func (s server) getDocs(*http.Request) (answer, error) {
	pages, err := s.docs()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: file{
		contentType: pageType, content: pages.Reference, policy: pages.Policy,
	}}, nil
}

func (s server) getDescription(*http.Request) (answer, error) {
	return answer{status: http.StatusOK, body: file{contentType: "application/yaml", content: api.Description()}}, nil
}
