package subset_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestPoolIsShared makes selections of one run concurrently: the scores are read once, and the ids once for each
// selection; and with no memory for pools, the scores are read for each.
func TestPoolIsShared(t *testing.T) {
	t.Parallel()
	for bytes, reads := range map[int]int{1 << 20: 1, 1: 4} {
		f, plan := scored(t, runtest.Plain("a", 20))
		f.Selections.PoolBytes = bytes
		f.Restart()
		var group sync.WaitGroup
		for _, budget := range []string{"2", "5", "30%", "100%"} {
			group.Go(func() {
				request := selection.Request{Budget: runtest.Budget(t, budget)}
				if _, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		last := ""
		for name := range f.Opens {
			if strings.Contains(name, "/scores/") {
				last = max(last, name)
			}
		}
		// Of the last range, the selection of all samples needs the ids, and others may.
		if n := f.Opens[last]; n < reads+1 || n > reads+4 {
			t.Errorf("with %d bytes for pools %s was opened %d times, want the scores read %d times", bytes, last, n, reads)
		}
	}
}
