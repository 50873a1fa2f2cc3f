package run

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// Cancel stops a run: deliveries of its messages are acknowledged without work. What is scored stays. A run that is
// scored to the last sample is refused.
func (w *Worker) Cancel(ctx context.Context, run string) error {
	plan, err := w.runs.Plan(ctx, run)
	if err != nil {
		return err
	}
	if plan.Problem != "" {
		return &RefusedError{Reason: plan.Problem}
	}
	if scored, err := w.runs.Scored(ctx, run); err != nil {
		return err
	} else if scored {
		return &RefusedError{Reason: "it is scored: there is nothing left to cancel"}
	}
	_, err = bucket.CreateJSON(ctx, w.work, cancelledName(run), map[string]string{"run": run})
	return err
}

// Approve lets a run begin that waits for approval.
func (w *Worker) Approve(ctx context.Context, run string) error {
	plan, err := w.runs.Plan(ctx, run)
	if err != nil {
		return err
	}
	if err := w.checkOpen(ctx, plan); err != nil {
		return err
	}
	if _, err := bucket.CreateJSON(ctx, w.work, approvedName(run), map[string]string{"run": run}); err != nil {
		return err
	}
	return w.begin(ctx, plan)
}

// checkOpen is the reason why nothing more can be done for a run: it was refused or cancelled, or has another layout.
func (w *Worker) checkOpen(ctx context.Context, plan *Plan) error {
	if plan.Problem != "" {
		return &RefusedError{Reason: plan.Problem}
	}
	if cancelled, err := bucket.Exists(ctx, w.work, cancelledName(plan.Run)); err != nil {
		return err
	} else if cancelled {
		return &RefusedError{Reason: fmt.Sprintf(
			"run %s was cancelled, which is final; change its dataset or options for another run", plan.Run)}
	}
	return nil
}
