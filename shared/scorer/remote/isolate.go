package remote

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A DiedError says that the sample breaks the server.
type DiedError struct{ Err error }

// Error is the reason of the sample.
func (e DiedError) Error() string { return e.Fault().Reason() }

// Fault is the fault of the sample.
func (e DiedError) Fault() *dataset.Fault {
	return &dataset.Fault{Code: scorer.Died, Detail: fmt.Sprintf(
		"the server answers for another sample and breaks on this one each time; look at its images: %v", e.Err)}
}

// Unwrap returns what happened the last time.
func (e DiedError) Unwrap() error { return e.Err }

// Isolate finds out whether a sample breaks the server, after a request with the sample broke it. alone sends the
// sample's request, and trial a harmless one. No other request may be in flight, because a server that breaks loses all
// its requests. The error is a DiedError if the server breaks on the sample twice, and answers trial after each time.
// If the server does not answer trial, the error is that of trial. Otherwise it is that of alone: nil if the sample is
// answered.
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
