package curate

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/harvest-ml/harvest/shared/run"
)

// A Problem is the body of every error answer, of type application/problem+json (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{Title: http.StatusText(status), Status: status, Detail: detail}) // the client is gone if this fails
}

// statusOf is the HTTP status that an error of the store is answered with.
func statusOf(err error) int {
	var refused *run.RefusedError
	switch {
	case errors.As(err, &refused):
		return http.StatusUnprocessableEntity
	case errors.Is(err, run.ErrNoRun), errors.Is(err, run.ErrNoSelection):
		return http.StatusNotFound
	case errors.Is(err, run.ErrNotScored):
		return http.StatusConflict
	default:
		return http.StatusInternalServerError
	}
}
