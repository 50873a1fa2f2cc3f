package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// ErrPlanning is the error for a run that is accepted but not planned yet.
var ErrPlanning = errors.New("the run is being planned; try again later")

// Accept accepts a run for which Identify found no plan, and publishes the task of planning it. The plan becomes the
// run's draft, so that planning need not identify the dataset a second time. Accept can be repeated.
func (w *Worker) Accept(ctx context.Context, plan *Plan, spec Spec) error {
	id, err := CanonicalHash(spec)
	if err != nil {
		return fmt.Errorf("identifying a request: %w", err)
	}
	if _, err := bucket.CreateJSON(ctx, w.work, askedPrefix(plan.Run)+id+".json", spec); err != nil {
		return err
	}
	if err := w.keepDraft(ctx, plan, spec); err != nil {
		return err
	}
	if err := w.index.Accept(ctx, Entry{Run: plan.Run}, acceptedName(plan.Run), w.now()); err != nil {
		return err
	}
	return w.ContinuePlanning(ctx, plan.Run)
}

// Asked returns the requests for a run that arrived before the run was planned, in the order of their objects' names.
func (r *Reader) Asked(ctx context.Context, run string) ([]Spec, error) {
	var specs []Spec
	for attrs, err := range r.work.List(ctx, askedPrefix(run), "") {
		if err != nil {
			return nil, fmt.Errorf("listing the requests for run %s: %w", run, err)
		}
		var spec Spec
		if err := bucket.ReadJSON(ctx, r.work, attrs.Name, &spec); err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// refuses reports whether a run was refused for exactly this request, so that it would be refused again.
func (r *Reader) refuses(ctx context.Context, refused *Plan, spec Spec) (bool, error) {
	id, err := CanonicalHash(spec)
	if err != nil || refused.Passing {
		return false, err
	}
	return bucket.Exists(ctx, r.work, askedPrefix(refused.Run)+id+".json")
}

// errReplaced is the reason to refuse an accepted run if its dataset, rubric or scorer has changed since.
var errReplaced = &RefusedError{Reason: "the dataset, its rubric or its scorer was replaced before the run was " +
	"planned; start the dataset again"}

// refuseAccepted stores the reason why an accepted run is refused, in place of the run's plan.
func (w *Worker) refuseAccepted(
	ctx context.Context, task events.PlanTask, spec Spec, why *RefusedError,
) (*Plan, bool, error) {
	refused := refusedPlan(spec.Dataset, why)
	refused.Run, refused.Passing = task.Run, why == errReplaced
	return w.keepRefused(ctx, refused)
}

// givePlanningUp refuses an accepted run because a step of planning failed too often. The same request can start the
// dataset again.
func (w *Worker) givePlanningUp(
	ctx context.Context, task events.PlanTask, spec Spec, attempts int, cause error,
) (*Plan, bool, error) {
	refused := refusedPlan(spec.Dataset, &RefusedError{Reason: fmt.Sprintf(
		"planning was given up after %d failed attempts at step %d of manifest %d; fix the cause, then start the dataset "+
			"again: %v", attempts, task.Step, task.Manifest, cause)})
	refused.Run, refused.Passing = task.Run, true
	return w.keepRefused(ctx, refused)
}

// keepRefused writes a refused plan, unless the run has a plan. It returns the stored plan, and whether it wrote it.
func (w *Worker) keepRefused(ctx context.Context, refused *Plan) (*Plan, bool, error) {
	created, err := bucket.CreateJSON(ctx, w.work, planName(refused.Run), refused)
	if err != nil {
		return nil, false, err
	}
	plan, err := w.runs.Plan(ctx, refused.Run)
	if err != nil {
		return nil, false, err
	}
	return plan, created, w.AnnounceRefused(ctx, plan)
}
