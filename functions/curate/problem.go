package curate

import (
	"errors"
	"net/http"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
)

// detailOf returns the text of an error for an answer. For a fault of this machine, the text has only the folder and
// the fix, because a user needs no more.
func detailOf(err error) string {
	if machine, ok := errors.AsType[*bucket.MachineError](err); ok {
		return machine.Error()
	}
	if lost, ok := errors.AsType[*bucket.LostError](err); ok {
		return lost.Error()
	}
	if errors.Is(err, bucket.ErrDamaged) {
		return err.Error() + "; it was complete before: restore it from a copy"
	}
	return err.Error()
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem.Status
	}
	if _, machine := errors.AsType[*bucket.MachineError](err); machine {
		return events.StatusMachineFault
	}
	if errors.Is(err, bucket.ErrDamaged) {
		return events.StatusLost
	}
	if _, lost := errors.AsType[*bucket.LostError](err); lost {
		return events.StatusLost
	}
	var refused *run.RefusedError
	switch {
	case errors.Is(err, subset.ErrNoSample):
		return http.StatusNotFound
	case errors.As(err, &refused):
		return http.StatusUnprocessableEntity
	case errors.Is(err, run.ErrNoRun), errors.Is(err, subset.ErrNoSelection):
		return http.StatusNotFound
	case errors.Is(err, run.ErrNotScored), errors.Is(err, run.ErrPlanning):
		return http.StatusConflict
	case errors.Is(err, scorer.ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, subset.ErrBusy):
		return http.StatusTooManyRequests
	default:
		return http.StatusInternalServerError
	}
}
