package run_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// TestEventsOfStates checks that each state of a run that needs a person is published once, even if the step is
// repeated.
func TestEventsOfStates(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.MaxRunCost, f.Limits.CostPerMillion = 1, run.Prices{runtest.Kind: 1e9}
	f.Upload("datasets/dear/dataset.json", runtest.Array(runtest.Plain("a", 3)))
	plan := f.Begin("datasets/dear/dataset.json")
	if !plan.NeedsApproval {
		t.Fatal("the run does not wait for approval")
	}
	f.Reconcile()
	check(t, f, events.RunAwaitingApproval, plan.Run+"/awaiting_approval")
	check(t, f, events.RunPlanned)
	if err := f.Worker.Approve(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	f.Reconcile()
	check(t, f, events.RunPlanned, plan.Run+"/planned")
	for range 2 {
		if err := f.Worker.Cancel(t.Context(), plan.Run); err != nil {
			t.Fatal(err)
		}
	}
	f.Reconcile()
	check(t, f, events.RunCancelled, plan.Run+"/cancelled")
	for range 2 {
		why := &run.RefusedError{Reason: "datasets/odd/a.json holds no sample"}
		refused, err := f.Worker.Refuse(t.Context(), "odd", run.Upload{}, why)
		if err != nil {
			t.Fatal(err)
		}
		check(t, f, events.RunRefused, refused.Run+"/refused")
	}
}

// TestEventOfDeadLetter ends a process between a dead letter and its event. The step that continues the run publishes
// the event.
func TestEventOfDeadLetter(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.Scorer.Name = "fake-2"
	f.Restart()
	f.Events.Fail = errors.New("the topic is unreachable")
	for range failures {
		if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err == nil {
			t.Fatal("no error of another scorer")
		}
	}
	f.Events.Fail = nil
	if st := f.Status(plan.Run); st.State != run.StateStalled {
		t.Fatalf("the run is %s", st.State)
	}
	check(t, f, events.RunStalled)
	for range 2 {
		f.Reconcile()
		check(t, f, events.RunStalled, plan.Run+"/stalled/0")
	}
}

// check compares the ids of the events of a type.
func check(t *testing.T, f *runtest.Fixture, kind string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, f.EventIDs(kind)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", kind, diff)
	}
}
