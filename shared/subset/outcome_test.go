package subset_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A repeated selection has the same picks as the stored selection, and explains samples by their indexes.
func TestRepeat(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 20))
	sel := selectNow(t, f, plan, selection.Request{
		Budget: runtest.Budget(t, "8"), Within: []selection.Budget{runtest.Budget(t, "3")},
	})
	var want, got []int64
	for _, p := range picks(t, f, sel) {
		want = append(want, p.Index)
	}
	err := f.Subsets.Repeat(t.Context(), plan.Run, sel.ID, func(o *subset.Outcome) error {
		for _, s := range o.Result.Samples() {
			got = append(got, int64(s))
		}
		x, err := f.Subsets.ExplainAt(t.Context(), o, []uint32{uint32(got[4]), 0})
		if err == nil && (len(x) != 2 || x[0].Order != 5 || x[1].ID != "a00") {
			t.Errorf("explained as %+v", x)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("picks (-written +repeated):\n%s", diff)
	}
	err = f.Subsets.Repeat(t.Context(), plan.Run, "000000000000", func(*subset.Outcome) error { return nil })
	if !errors.Is(err, subset.ErrNoSelection) {
		t.Errorf("a selection that is not there: %v", err)
	}
}
