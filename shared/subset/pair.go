package subset

import (
	"context"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Pair is two selections of one run, and what both are of. What it holds is shared: do not change it.
type Pair struct {
	Plan *run.Plan
	Pool *Pool
	A, B *Selection
	// Both are the samples of A that B has too, OnlyA and OnlyB the others, in the order in which they were picked.
	Both, OnlyA, OnlyB []uint32
	*Comparison
}

// Pair compares two selections of a run, and calls use while no other selection computes. It fails as Compare does.
func (r *Reader) Pair(ctx context.Context, runID, a, b string, use func(*Pair) error) error {
	request := CompareRequest{Selection: a, Other: b}
	comparison, err := r.Compare(ctx, runID, request)
	if err != nil {
		return err
	}
	plan, err := r.runs.UsablePlan(ctx, runID)
	if err != nil {
		return err
	}
	p := &Pair{Plan: plan, Comparison: comparison}
	var of [2]*sampleNumbers
	for i, id := range []string{a, b} {
		sel, err := r.Selection(ctx, runID, id)
		if err != nil {
			return err
		}
		if of[i], err = r.selectedNumbers(ctx, plan, id); err != nil {
			return err
		}
		if p.A == nil {
			p.A = sel
		}
		p.B = sel
	}
	p.OnlyA, p.OnlyB = without(of[0], of[1]), without(of[1], of[0])
	for _, s := range of[0].order {
		if _, both := of[1].of[s]; both {
			p.Both = append(p.Both, s)
		}
	}
	return r.pools.compute(ctx, func() error {
		if p.Pool, err = r.pool(ctx, plan, selection.Request{}); err != nil {
			return err
		}
		return use(p)
	})
}
