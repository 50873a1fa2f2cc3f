package subset

import (
	"context"

	"github.com/harvest-ml/harvest/shared/run"
)

// A Pair has two selections, A and B, and their run. It is shared: do not change it.
type Pair struct {
	Plan *run.Plan
	Pool *Pool
	A, B *Selection
	// Both has the samples in A and B. OnlyA and OnlyB have the samples in only one of them. All are in the order of
	// picking.
	Both, OnlyA, OnlyB []uint32
	*Comparison
}

// Pair compares two selections of a run, and calls use while no other selection is computed. Its errors are those of
// Compare.
func (r *Reader) Pair(ctx context.Context, runID, a, b string, use func(*Pair) error) error {
	return r.pair(ctx, runID, CompareRequest{Selection: a, Other: b}, use)
}
