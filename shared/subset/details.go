package subset

import (
	"context"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// The details of a selection are its picks, and the reasons and near misses of all other samples. They are larger than
// the selection itself, and are computed from the same scores and parameters. The parts of the selection and
// explanations need them. A message that makes a selection also makes the details. If a call requested the selection,
// the first delivery that needs the details makes them, after the call is answered.

// isDetailed reports whether the details of a selection are written.
func (r *Reader) isDetailed(ctx context.Context, plan *run.Plan, id string) (bool, error) {
	return bucket.Exists(ctx, r.work, reasonsName(plan.Run, id)) // written last
}

// ensureDetails makes the details of a selection if they are not written. It does not make details of a completed
// selection, which must have them; reading missing details then returns a *bucket.LostError. The caller must not hold
// the slot for computing.
func (r *Reader) ensureDetails(ctx context.Context, plan *run.Plan, id string) error {
	if detailed, err := r.isDetailed(ctx, plan, id); detailed || err != nil {
		return err
	}
	if completed, err := bucket.Exists(ctx, r.work, completedName(plan.Run, id)); completed || err != nil {
		return err
	}
	sel, err := r.Selection(ctx, plan.Run, id)
	if err != nil {
		return err
	}
	return r.missingDetails(ctx, plan, sel)
}

// makeDetails writes the details of a selection, and publishes the parts that waited for them.
func (s *Selector) makeDetails(ctx context.Context, plan *run.Plan, sel *Selection) error {
	err := s.pools.alone(ctx, func() error {
		// Another call may have made the details in the meantime.
		if detailed, err := s.isDetailed(ctx, plan, sel.ID); detailed || err != nil {
			return err
		}
		pool, err := s.pool(ctx, plan, sel.Parameters.Request)
		if err != nil {
			return err
		}
		chosen := s.chosen
		if s.chosenOf != selectionPrefix(plan.Run, sel.ID) {
			if chosen, err = s.repeat(ctx, pool, sel); err != nil {
				return err
			}
		}
		s.chosen, s.chosenOf = nil, ""
		return s.writeDetails(ctx, plan, sel, pool, chosen)
	})
	if err != nil {
		return err
	}
	return s.publishParts(ctx, plan, sel)
}

// writeDetails writes the details of a selection.
func (s *Selector) writeDetails(
	ctx context.Context, plan *run.Plan, sel *Selection, pool *Pool, chosen *choice,
) error {
	id := sel.ID
	reasons := pool.Reasons(chosen.params, chosen.result)
	group, writing := errgroup.WithContext(ctx)
	group.Go(func() error { return s.writePicks(writing, plan, id, pool, chosen.result) })
	group.Go(func() error {
		misses := pool.NearMisses(chosen.params, chosen.result, reasons)
		_, err := bucket.CreateOnce(writing, s.work, missesName(plan.Run, id), func(w io.Writer) error {
			return writeMisses(w, reasons.Len(), misses)
		})
		return err
	})
	if sel.Outputs.Clusters != "" {
		group.Go(func() error { return s.writeClusters(writing, sel, pool, chosen.result, reasons) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err := bucket.CreateOnce(ctx, s.work, reasonsName(plan.Run, id), func(w io.Writer) error {
		return scores.WriteReasons(w, reasons.Len(), func(i int) string { return string(reasons.At(i)) })
	})
	return err
}

// writePicks writes the picks of a selection.
func (s *Selector) writePicks(
	ctx context.Context, plan *run.Plan, id string, pool *Pool, result *selection.Result,
) error {
	ids, err := pool.idsOf(ctx, result.Samples())
	if err != nil {
		return err
	}
	_, err = bucket.CreateOnce(ctx, s.work, picksName(plan.Run, id), func(w io.Writer) error {
		row := pool.pickRows(ids, result)
		return scores.WritePicks(w, len(result.Picks), func(i int) scores.Pick {
			pick := row(i)
			pick.Range = plan.RangeOf(pick.Index)
			pick.Position = int(pick.Index - plan.Ranges[pick.Range].FirstIndex)
			return pick
		})
	})
	return err
}
