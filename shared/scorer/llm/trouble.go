package llm

import (
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A laterError says that the server takes nothing at present, or is not there.
type laterError struct {
	error
	after time.Duration // what the server asks to be given; 0 if it does not say
}

func (e laterError) Unwrap() error { return e.error }

// A brokenError says that a request was begun and came to no end: the server died, failed or stalled on it.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// A refusedError says that the server will not answer this request, however often it is made.
type refusedError struct {
	error
	detail string // the server's words
}

func (e refusedError) Unwrap() error { return e.error }

func stop(format string, args ...any) error {
	return &scorer.StopError{Reason: fmt.Sprintf(format, args...)}
}
