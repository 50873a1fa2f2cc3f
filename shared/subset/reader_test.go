package subset_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestExplainReads makes explanations concurrently. They do not read the scores that selections need. Each call reads
// the ids to find the named samples, and the picks. It keeps neither ids nor picks in memory.
func TestExplainReads(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 20))
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "5")})
	f.Restart()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			found, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{fmt.Sprintf("a%02d", i)})
			if err != nil || len(found) != 1 {
				t.Errorf("%d explanations, %v", len(found), err)
			}
		})
	}
	group.Wait()
	if len(f.Opens) != 5+len(plan.Ranges) {
		t.Errorf("opened %v, want the plan, the selection, its picks, reasons and misses, and the scores of %d ranges",
			f.Opens, len(plan.Ranges))
	}
	for name, n := range f.Opens {
		most := 1
		if name == sel.Outputs.Picks || strings.HasSuffix(name, "/misses") {
			most = 16
		} else if strings.Contains(name, "/scores/") {
			most = 17 // one more read for the scores of the sample
		}
		if n > most {
			t.Errorf("%s was opened %d times, want %d at most", name, n, most)
		}
	}
}

// TestReuseOpensOnce reuses the scores of an earlier run while shards are scored concurrently.
func TestReuseOpensOnce(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 20))
	next, err := f.Retry(plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	for range next.Ranges {
		if err := f.Deliver(f.Take(0)); err != nil {
			t.Fatal(err)
		}
	}
	f.Restart()
	shards := f.Queue
	f.Queue = nil
	var group sync.WaitGroup
	for _, d := range shards {
		group.Go(func() {
			if err := f.Deliver(d); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if counts := f.Finish(next); counts.Scored != 20 {
		t.Errorf("counts %+v, want all scored", counts)
	}
	opened := 0
	for name, n := range f.Opens {
		if !strings.HasPrefix(name, run.Folder(plan.Run)) {
			continue
		}
		if opened += n; n != 1 {
			t.Errorf("%s was opened %d times", name, n)
		}
	}
	if opened != len(plan.Ranges) {
		t.Errorf("%d objects of the earlier run were opened, want the scores of %d ranges", opened, len(plan.Ranges))
	}
}

func TestConstructorsRefuse(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	if _, err := subset.NewReader(nil, f.Work, f.Selections); err == nil {
		t.Error("a reader without runs was made")
	}
	if _, err := subset.NewReader(f.Runs, f.Work, subset.Limits{}); err == nil {
		t.Error("a reader without limits was made")
	}
	if _, err := subset.NewReader(f.Runs, nil, f.Selections); err == nil {
		t.Error("a reader without a bucket was made")
	}
	if _, err := subset.NewSelector(subset.Config{Runs: f.Runs, Work: f.Work, Input: f.Work, Tasks: f.Tasks,
		Events: nil}); err == nil {
		t.Error("a selector without a clock was made")
	}
}
