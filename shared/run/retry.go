package run

import (
	"context"
	"errors"
	"fmt"
)

// LastScored returns the plan of the last scored attempt in the series of a run, which can be retried. It is the run's
// own plan if no later attempt is scored.
func (r *Reader) LastScored(ctx context.Context, run string) (*Plan, error) {
	last, err := r.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	next := *last
	for {
		next.Attempt++
		if err := r.notRemoved(ctx, &next, laterAttempt); err != nil {
			return nil, err
		}
		planned, err := r.Plan(ctx, next.Run)
		if errors.Is(err, ErrNoRun) || errors.Is(err, ErrPlanning) {
			return last, nil
		} else if err != nil {
			return nil, err
		}
		if scored, err := r.Scored(ctx, next.Run); err != nil {
			return nil, err
		} else if scored {
			last = planned
		}
	}
}

// NextAttempt returns the plan of the next attempt of a scored run. Samples that failed are tried again, for example
// because their images were added. Other scores are reused if record, images, rubric and scorer are unchanged.
func (p *Planner) NextAttempt(ctx context.Context, run string) (*Plan, error) {
	plan, err := p.runs.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	if scored, err := p.runs.Scored(ctx, run); err != nil {
		return nil, err
	} else if !scored {
		return nil, fmt.Errorf("%w: %s: resume it instead", ErrNotScored, run)
	}
	for _, m := range plan.Manifests {
		now, err := p.stat(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		if now.Size != m.Size || now.CRC32C != m.CRC32C {
			return nil, &RefusedError{Object: m.Name, Reason: fmt.Sprintf(
				"%s has changed since run %s: start the dataset again with `reuse: %s`", m.Name, run, run)}
		}
	}
	next := *plan
	next.Attempt, next.Reuse = plan.Attempt+1, run
	if err := p.runs.notRemoved(ctx, &next, laterAttempt); err != nil {
		return nil, err
	}
	return &next, nil
}

// laterAttempt changes a plan to the next attempt.
func laterAttempt(plan *Plan) { plan.Attempt++ }
