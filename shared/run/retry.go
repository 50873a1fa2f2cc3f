package run

import (
	"context"
	"fmt"
)

// NextAttempt is the plan of the next attempt of a scored run. Samples that failed are tried again, as when their
// images came late; of the others every score is taken over whose record, images, rubric and scorer are unchanged.
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
	if err := next.identify(); err != nil {
		return nil, err
	}
	return &next, nil
}
