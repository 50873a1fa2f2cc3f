package remote

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A DiedError reports that a sample makes the server fail.
type DiedError struct{ Err error }

// Error returns the reason of the fault.
func (e DiedError) Error() string { return e.Fault().Reason() }

// Fault returns the fault to record for the sample.
func (e DiedError) Fault() *dataset.Fault {
	return &dataset.Fault{Code: scorer.Died, Detail: fmt.Sprintf(
		"the server rates a test sample, but fails each time on this sample; check this sample's images: %v", e.Err)}
}

// Unwrap returns the error of the last request with the sample.
func (e DiedError) Unwrap() error { return e.Err }

// Isolate finds out whether a sample makes the server fail, after a request with the sample failed. alone sends the
// sample's request, and trial sends a harmless request. No other request may be in flight, because a server that fails
// loses all its requests. The error is a DiedError if the server fails on the sample twice and answers trial after each
// failure. If the server does not answer trial, Isolate returns the errors of alone and of trial. Otherwise it returns
// the result of alone: nil if the sample was answered.
func Isolate(alone, trial func() error) error {
	var broken error
	for range 2 {
		if broken = alone(); !IsBroken(broken) {
			return broken
		}
		if err := trial(); err != nil {
			return fmt.Errorf("%w; a trial request: %w", broken, err)
		}
	}
	return DiedError{broken}
}
