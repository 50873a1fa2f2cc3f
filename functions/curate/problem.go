package curate

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Problem is the body of every error answer, of type application/problem+json (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, "application/problem+json", status, Problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	_ = enc.Encode(body) // the client is gone if this fails
}

// A requestError is a fault of the request itself, whatever the store would say.
type requestError struct {
	status int
	error
}

// statusOf is the HTTP status that an error is answered with.
func statusOf(err error) int {
	if bad, ok := errors.AsType[requestError](err); ok {
		return bad.status
	}
	var refused *run.RefusedError
	switch {
	case errors.As(err, &refused):
		return http.StatusUnprocessableEntity
	case errors.Is(err, run.ErrNoRun), errors.Is(err, run.ErrNoSelection):
		return http.StatusNotFound
	case errors.Is(err, run.ErrNotScored):
		return http.StatusConflict
	case errors.Is(err, scorer.ErrUnavailable):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
