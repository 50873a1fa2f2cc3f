package subset

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Outcome is a selection with its input and result. It is shared: do not change it.
type Outcome struct {
	Plan      *run.Plan
	Selection *Selection
	Pool      *Pool
	Params    selection.Params
	Result    *selection.Result
}

// Repeat computes a selection of a run again, in memory, and calls use with it while no other selection is computed.
// use may make other selections from the same pool. The error is ErrNoSelection if there is no such selection, and
// ErrBusy if too many selections are waiting.
func (r *Reader) Repeat(ctx context.Context, runID, id string, use func(*Outcome) error) error {
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return err
	}
	sel, err := r.Selection(ctx, runID, id)
	if err != nil {
		return err
	}
	// use may read the details, and they cannot be made while use runs.
	if err := r.ensureDetails(ctx, plan, id); err != nil {
		return err
	}
	return r.pools.compute(ctx, func() error {
		out := &Outcome{Plan: plan, Selection: sel}
		if out.Pool, err = r.pool(ctx, plan, sel.Parameters.Request); err != nil {
			return err
		}
		chosen, err := r.repeat(ctx, out.Pool, sel)
		if err != nil {
			return fmt.Errorf("repeating selection %s of run %s: %w", id, runID, err)
		}
		out.Params, out.Result = chosen.params, chosen.result
		return use(out)
	})
}

// repeat computes a selection again from its pool. From near.jsonl it reads the samples that are left out because of
// evaluation sets.
func (r *Reader) repeat(ctx context.Context, pool *Pool, sel *Selection) (*choice, error) {
	var dropped []uint32
	if sel.Outputs.Near != "" {
		near := &contamination{}
		if err := r.readNear(ctx, sel.Run, sel.ID, sel.Outputs.Near, near.drop); err != nil {
			return nil, err
		}
		dropped = near.dropped
	}
	return pool.apply(ctx, sel.Parameters, dropped)
}
