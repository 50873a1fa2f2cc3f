package subset_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestPoolIsShared makes selections of one run concurrently. The scores are read once. Without memory for pools, scores
// and ids are read for each selection, and not again for the details.
func TestPoolIsShared(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int]struct{ least, most int }{1 << 20: {1, 1}, 1: {5, 8}} {
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
		// The selection of all samples needs the ids of the last range; other selections may need them.
		if n := f.Opens[last]; n < want.least || n > want.most {
			t.Errorf("with %d bytes for pools %s was opened %d times, want %+v", bytes, last, n, want)
		}
	}
}
