package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// Cancel stops a run. Further deliveries of its messages are acknowledged without work, and existing scores stay. If
// the run is being planned, no sample will be scored. The error is a *RefusedError if all samples are scored.
func (w *Worker) Cancel(ctx context.Context, run string) error {
	plan, err := w.runs.UsablePlan(ctx, run)
	if err != nil && !errors.Is(err, ErrPlanning) {
		return err
	}
	scored, err := w.runs.Scored(ctx, run)
	if err != nil {
		return err
	}
	if scored {
		return &RefusedError{Reason: "the run is scored: there is nothing left to cancel"}
	}
	if err := w.mark(ctx, cancelledName(run), run); err != nil {
		return err
	}
	if plan == nil {
		return nil // the run is being planned; when it is planned, begin publishes that it was cancelled
	}
	return w.announceWaiting(ctx, plan)
}

// Approve begins a run that waits for approval.
func (w *Worker) Approve(ctx context.Context, run string) error {
	plan, err := w.openPlan(ctx, run)
	if err != nil {
		return err
	}
	if err := w.mark(ctx, approvedName(run), run); err != nil {
		return err
	}
	return w.begin(ctx, plan)
}

// openPlan returns the plan of a run that can still continue. If the run was refused or cancelled, or another version
// of Harvest planned it, the error is a *RefusedError.
func (w *Worker) openPlan(ctx context.Context, run string) (*Plan, error) {
	plan, err := w.runs.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	if cancelled, err := bucket.Exists(ctx, w.work, cancelledName(run)); err != nil {
		return nil, err
	} else if cancelled {
		return nil, &RefusedError{Reason: fmt.Sprintf(
			"run %s was cancelled, which is final; change the dataset or an option to get another run", run)}
	}
	return plan, nil
}
