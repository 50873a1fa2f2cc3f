package llm

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A refusedError reports that the server will never answer this request.
type refusedError struct {
	error
	detail string // the server's message
}

func (e refusedError) Unwrap() error { return e.error }

// A sampleError reports that the sample of a request cannot be rated, and why.
type sampleError struct{ fault *dataset.Fault }

func (e sampleError) Error() string { return e.fault.Reason() }

func stopError(format string, args ...any) error {
	return &scorer.StopError{Reason: fmt.Sprintf(format, args...)}
}
