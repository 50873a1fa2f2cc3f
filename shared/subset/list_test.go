package subset_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestNewest lists the newest selections of a run with more selections than the list may have. The order of their ids
// does not matter.
func TestNewest(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 20))
	var want []string // the newest first
	for seed := range uint64(9) {
		f.Pass(time.Second)
		made := selectNow(t, f, plan, atBudget(t, "3", selection.Rules{Seed: seed}))
		want = append([]string{made.ID}, want...)
	}
	for size, more := range map[int]bool{2: true, 8: true, 9: false, 20: false} {
		newest, has, err := f.Subsets.Newest(t.Context(), plan.Run, size)
		if err != nil || has != more {
			t.Fatalf("of size %d: more %t, error %v; want %t", size, has, err, more)
		}
		var got []string
		for _, l := range newest {
			got = append(got, l.ID)
		}
		if diff := cmp.Diff(want[:min(size, len(want))], got); diff != "" {
			t.Errorf("of size %d (-want +got):\n%s", size, diff)
		}
	}
}
