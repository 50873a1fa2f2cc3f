package subset_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

const demo = "datasets/demo/a.json"

// killedWhenScored returns a fixture on one machine, with a run whose process was killed right after it was marked as
// scored: its event is not published, and all messages are lost.
func killedWhenScored(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	f.OneMachine = true
	f.Restart()
	f.Upload(demo, runtest.Array(runtest.Plain("a", 20)))
	f.Limits.Budget = runtest.Budget(t, "50%")
	plan := f.Begin(demo)
	f.AnswerError = func(name string) error {
		if strings.HasSuffix(name, "/scored") {
			return f.Kill()
		}
		return nil
	}
	if err := f.Drain(); !errors.Is(err, runtest.ErrKilled) {
		t.Fatalf("error %v, want that of a killed process", err)
	}
	restart(f)
	return f, plan
}

// restart replaces the process, whose messages are lost.
func restart(f *runtest.Fixture) {
	f.Queue = nil
	f.Restart()
}

// A selection is accepted for a run whose event is not published yet. One step of reconcile continues both.
func TestReconcileSelectionOfUnannouncedRun(t *testing.T) {
	t.Parallel()
	f, plan := killedWhenScored(t)
	f.Pass(time.Minute) // so that the selection's entry comes before the run's: the index lists the latest entry first
	sel, err := f.Subsets.Select(t.Context(), plan.Run, atBudget(t, "25%", selection.Rules{}), run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	restart(f)
	f.Reconcile()
	f.Finish(plan)
	if state := f.SelectionState(plan.Run, sel.ID); state != "completed" {
		t.Errorf("the selection is %s", state)
	}
	if made := f.Status(plan.Run).Selections; len(made) != 2 || len(f.EventIDs(events.RunScored)) != 1 {
		t.Errorf("selections %v, events %v", made, f.EventIDs(events.RunScored))
	}
}

// A run that becomes scored while it is cancelled counts as scored. Then its event is published and its selection is
// made.
func TestReconcileCancelledWhenScored(t *testing.T) {
	t.Parallel()
	f, plan := killedWhenScored(t)
	if err := f.Work.Create(t.Context(), "runs/"+plan.Run+"/cancelled", func(w io.Writer) error {
		_, err := w.Write([]byte("{}"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f.Reconcile()
	f.Finish(plan)
	if made := f.Status(plan.Run).Selections; len(made) != 1 || len(f.EventIDs(events.RunScored)) != 1 {
		t.Errorf("selections %v, events %v", made, f.EventIDs(events.RunScored))
	}
}

// A run of a newer version stays open, because only that version continues it.
func TestReconcileNewerVersion(t *testing.T) {
	t.Parallel()
	for _, field := range []string{`"layout": `, `"reading": `} {
		f := runtest.New(t)
		f.Upload(demo, runtest.Array(runtest.Plain("a", 3)))
		plan := f.Begin(demo)
		name := "runs/" + plan.Run + "/plan.json"
		newer := bytes.Replace(f.Read(name), []byte(field), []byte(field+"1"), 1)
		f.Replace(name, newer)
		restart(f)
		f.Reconcile()
		if finished := f.Objects("index/finished/"); len(finished) > 0 {
			t.Errorf("newer %s: %v are finished", field, finished)
		}
	}
}

// A failure at one entry does not prevent other entries from being continued. The schedule retries it.
func TestReconcileFailure(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.OneMachine = true
	f.Restart()
	f.Upload(demo, runtest.Array(runtest.Plain("a", 3)))
	f.Upload("datasets/other/b.json", runtest.Array(runtest.Plain("b", 3)))
	good := f.Begin(demo)
	bad := f.Begin("datasets/other/b.json")
	f.Replace("runs/"+bad.Run+"/waves/0.json", []byte("{"))
	restart(f)
	var failed []string
	err := f.Reconciler.Reconcile(t.Context(), events.ReconcileTask{}, func(_ context.Context, e run.Entry, err error) {
		if age := f.Now().Sub(e.Accepted); age < 0 || age > time.Minute {
			t.Errorf("%s was accepted at %v, and the time is now %v", e.Run, e.Accepted, f.Now())
		}
		if err != nil {
			failed = append(failed, e.Run)
		}
	})
	if err != nil || len(failed) != 1 || failed[0] != bad.Run {
		t.Errorf("%v failed, error %v; want that only %s failed", failed, err, bad.Run)
	}
	f.Finish(good)
}
