package subset_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestDetails explains a selection whose details do not exist yet, after a restart. A Reader, which writes nothing,
// returns an error then.
func TestDetails(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 12))
	request := selection.Request{Budget: runtest.Budget(t, "5")}
	sel, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	picks := run.Folder(plan.Run) + "selections/" + sel.ID + "/picks.parquet"
	if there, err := bucket.Exists(t.Context(), f.Work, picks); there || err != nil {
		t.Fatalf("the picks are written before they are needed: %v, %v", there, err)
	}
	runs, err := run.NewReader(f.Work, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := subset.NewReader(runs, f.Work, subset.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, err = reader.Explain(t.Context(), plan.Run, sel.ID, []string{"a00"})
	if _, refused := errors.AsType[*run.RefusedError](err); !refused {
		t.Errorf("a reader explains a selection that is being written: %v", err)
	}
	f.Restart()
	explained, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00", "a11"})
	if err != nil || len(explained) != 2 {
		t.Fatalf("%+v, %v", explained, err)
	}
	after := f.Steps
	if _, err := reader.Explain(t.Context(), plan.Run, sel.ID, []string{"a00"}); err != nil {
		t.Error(err)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if state, err := f.Subsets.State(t.Context(), sel); err != nil || state != subset.StateCompleted {
		t.Errorf("state %s, %v after %d writes", state, err, f.Steps-after)
	}
}

// waitingProcess returns another process, and its work bucket.
func waitingProcess(t *testing.T, f *runtest.Fixture) (*subset.Selector, *onMissing) {
	t.Helper()
	work := &onMissing{Bucket: f.Work, object: "reasons.parquet"}
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := events.NewFeed(f.Events, runtest.Origin(), f.Now)
	if err != nil {
		t.Fatal(err)
	}
	subsets, err := subset.NewSelector(subset.Config{
		Runs: runs, Work: work, Input: f.Input, Tasks: f.Tasks, Events: feed, Now: f.Now, Limits: f.Selections,
		Process: run.Process{ID: "waiting"}, Reports: runtest.Report{}, Memory: f.Memory,
	})
	if err != nil {
		t.Fatal(err)
	}
	return subsets, work
}

// TestDetailsMeanwhile writes a part of a selection without details in two processes. After the first process finds
// that there are no details, the second process works until it is killed, after different numbers of steps. The first
// process completes the selection.
func TestDetailsMeanwhile(t *testing.T) {
	t.Parallel()
	for life, killed := 0, true; killed; life += thorough.Stride(3) {
		f := runtest.New(t)
		f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 12)))
		plan := f.Begin("datasets/demo/a.json")
		f.Finish(plan)
		sel, err := f.Subsets.Select(t.Context(), plan.Run, atBudget(t, "5", selection.Rules{}), run.Allowance{})
		if err != nil {
			t.Fatal(err)
		}
		task := events.PartTask{Run: plan.Run, Selection: sel.ID}
		first, work := waitingProcess(t, f)
		work.do = func() {
			f.Restart()
			f.Life = life
			killed = f.Drain() != nil
			f.Life = -1
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := first.WritePart(ctx, task); err != nil {
			t.Fatalf("after %d steps of the second process: %v", life, err)
		}
		if work.do != nil {
			t.Fatal("the second process did not work")
		}
		f.Finish(plan)
		if state := f.SelectionState(plan.Run, sel.ID); state != subset.StateCompleted {
			t.Errorf("after %d steps of the second process: the selection is %s", life, state)
		}
	}
}
