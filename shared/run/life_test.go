package run_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

func TestWholeWay(t *testing.T) {
	t.Parallel()
	f := newMixed(t)
	plan := f.Begin(mixedManifest)
	if len(plan.Ranges) < 2 {
		t.Fatalf("%d ranges, want several", len(plan.Ranges))
	}
	counts := f.Finish(plan)
	if diff := cmp.Diff(events.Counts{In: 12, Scored: 10, Failed: 2}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for id, times := range f.Scorer.Counts() {
		if want := map[bool]int{true: 2, false: 1}[id == "m01"]; times != want {
			t.Errorf("id %s was rated %d times, want %d", id, times, want)
		}
	}
	if diff := cmp.Diff([]string{plan.Run}, f.EventIDs(events.RunScored)); diff != "" {
		t.Errorf("ids of run.scored (-want +got):\n%s", diff)
	}

	st := f.Status(plan.Run)
	if st.State != run.StateScored || len(st.Selections) != 1 {
		t.Fatalf("state %s with selections %v, want scored with one", st.State, st.Selections)
	}
	wantReasons := map[reason.Code]int64{"unratable": 1, "no_conversation": 1}
	if diff := cmp.Diff(wantReasons, st.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	id := st.Selections[0]
	if diff := cmp.Diff([]string{plan.Run + "/" + id}, f.EventIDs(events.SelectionCompleted)); diff != "" {
		t.Errorf("ids of selection.completed (-want +got):\n%s", diff)
	}
	checkSelected(t, f, plan, id)
}

// checkSelected checks the automatic selection of the mixed dataset, and the event that announces it.
func checkSelected(t *testing.T, f *runtest.Fixture, plan *run.Plan, id string) {
	t.Helper()
	sel, err := f.Subsets.Selection(t.Context(), plan.Run, id)
	if err != nil {
		t.Fatal(err)
	}
	// 75% of 12 are 9 samples, and one of the 10 that were scored has no style.
	if sel.Total != 12 || sel.Parameters.Budget != 9 || sel.Selected != 9 || sel.Shortfall != 0 {
		t.Errorf("selected %d of %d at a budget of %d with a shortfall of %d, want 9 of 12 at 9 with 0",
			sel.Selected, sel.Total, sel.Parameters.Budget, sel.Shortfall)
	}
	if state := f.SelectionState(plan.Run, id); state != subset.StateCompleted {
		t.Errorf("the selection is %s", state)
	}
	subset, rejected := string(f.Read(sel.Outputs.Subset)), string(f.Read(sel.Outputs.Rejected))
	if got := strings.Count(subset, `"id"`) + strings.Count(rejected, "\n"); got != 12 {
		t.Errorf("subset and rejected account for %d samples of 12", got)
	}
	completed := f.Published[len(f.Published)-1]
	event := runtest.Decode[events.SelectionEvent](t, completed)
	want := events.SelectionEvent{
		Automatic: true,
		Run:       plan.Run, Dataset: "mixed", Selection: id, Selected: 9, Scorer: plan.ScorerID,
		Images: "gs://input/images/mixed/", API: "https://harvest.test/v1/runs/" + plan.Run + "/selections/" + id,
		Outputs: map[string]events.Object{},
	}
	for output, name := range map[string]string{
		"subset": sel.Outputs.Subset, "rejected": sel.Outputs.Rejected,
		"picks": sel.Outputs.Picks, "selection": sel.Outputs.Selection, "report": sel.Outputs.Report,
	} {
		attrs, err := f.Work.Stat(t.Context(), name)
		sum, errSum := f.Work.Checksum(t.Context(), name)
		if err := errors.Join(err, errSum); err != nil {
			t.Fatal(err)
		}
		want.Outputs[output] = events.Object{
			URI: "gs://work/" + name, Generation: attrs.Generation, Size: attrs.Size,
			CRC32C: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum)),
		}
	}
	if parameters, ok := event.Parameters.(map[string]any); !ok || parameters["budget"] == nil {
		t.Errorf("the event has the parameters %v", event.Parameters)
	}
	event.Parameters = nil
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("selection.completed (-want +got):\n%s", diff)
	}
}

func TestDeliveriesTwiceInAnyOrder(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	want := calm.Snapshot()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			f := newMixed(t)
			f.Begin(mixedManifest)
			f.Begin(mixedManifest) // the notification of the upload is delivered twice, too
			if err := drainShuffled(f, seed); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
			if diff := cmp.Diff(calm.Scorer.Counts(), f.Scorer.Counts()); diff != "" {
				t.Errorf("ratings of each sample (-undisturbed +got):\n%s", diff)
			}
			if got := f.Status(plan.Run).Selections; len(got) != 1 {
				t.Errorf("selections %v, want one", got)
			}
		})
	}
}

// TestDeliveriesAtOnce delivers every message twice at the same time, as may happen with two instances of a service.
func TestDeliveriesAtOnce(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	f := newMixed(t)
	f.Begin(mixedManifest)
	for len(f.Queue) > 0 {
		batch := slices.Concat(f.Queue, f.Queue)
		f.Queue = nil
		errs := make([]error, len(batch))
		var group sync.WaitGroup
		for i, d := range batch {
			group.Go(func() { errs[i] = f.Deliver(d) })
		}
		group.Wait()
		for i, err := range errs {
			if errors.Is(err, run.ErrSameDelivery) {
				f.Queue = append(f.Queue, batch[i])
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(calm.Snapshot(), f.Snapshot()); diff != "" {
		t.Errorf("objects (-undisturbed +got):\n%s", diff)
	}
	for _, id := range f.EventIDs(events.RunScored) {
		if id != plan.Run {
			t.Errorf("run.scored has id %s, want %s", id, plan.Run)
		}
	}
}

// TestKilled kills the process before each of its writes and publications in turn. In each case the objects are the
// same as without a kill.
func TestKilled(t *testing.T) {
	t.Parallel()
	calm := newCoarse(t)
	plan := calm.Begin(mixedManifest)
	calm.Finish(plan)
	shards := calm.Status(plan.Run).Progress.Shards
	if len(plan.Ranges) != 2 || shards < 3 {
		t.Fatalf("%d ranges and %d shards, want 2 ranges and more shards", len(plan.Ranges), shards)
	}
	want := calm.Snapshot()
	for name, recover := range recoveries(plan) {
		for life := 0; life < calm.Steps; life += thorough.Stride(7) {
			t.Run(fmt.Sprintf("%s after %d", name, life), func(t *testing.T) {
				t.Parallel()
				f := newCoarse(t)
				accepted := arriveAndDie(t, f, mixedManifest, life)
				recover(f, accepted)
				if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
					t.Errorf("objects (-undisturbed +got):\n%s", diff)
				}
				checkAnnounced(t, f, plan.Run)
			})
		}
	}
}

// recoveries returns the ways to continue after a process was killed. accepted is true if the upload was handled
// before.
func recoveries(plan *run.Plan) map[string]func(f *runtest.Fixture, accepted bool) {
	return map[string]func(f *runtest.Fixture, accepted bool){
		// In the cloud all messages remain after the process ends, even the message that was being delivered.
		"redelivery": func(f *runtest.Fixture, accepted bool) {
			f.Pass(afterLease)
			if !accepted {
				f.Begin(mixedManifest)
			}
			f.Finish(plan)
		},
		// On one machine the messages are lost with the process.
		"restart": func(f *runtest.Fixture, accepted bool) {
			f.Queue = nil
			f.OneMachine = true
			f.Restart()
			if !accepted {
				f.Begin(mixedManifest)
			}
			f.Reconcile()
			f.Finish(plan)
		},
		// A queue may lose all messages without an error.
		"schedule": func(f *runtest.Fixture, accepted bool) {
			f.Queue = nil
			f.Pass(7 * time.Hour) // longer than a shard may wait for a scorer
			if !accepted {
				f.Begin(mixedManifest)
			}
			f.Reconcile()
			f.Finish(plan)
		},
	}
}

// newCoarse is newMixed with two ranges, one of which has several shards. So a run has few steps, but every kind of
// step.
func newCoarse(t *testing.T) *runtest.Fixture {
	t.Helper()
	f := newMixed(t)
	f.Limits.RangeBytes, f.Limits.ShardSamples = 1500, 5
	return f
}

// checkAnnounced checks that the events of the run and of its selection were published, each with one id.
func checkAnnounced(t *testing.T, f *runtest.Fixture, id string) {
	t.Helper()
	for kind, id := range map[string]string{
		events.RunScored:          id,
		events.SelectionCompleted: id + "/" + f.Status(id).Selections[0],
	} {
		got := slices.Compact(f.EventIDs(kind))
		if diff := cmp.Diff([]string{id}, got); diff != "" {
			t.Errorf("ids of %s (-want +got):\n%s", kind, diff)
		}
	}
}

// TestKilledAlone is TestKilled for deliveries that rate one sample at a time, after the process crashed twice.
func TestKilledAlone(t *testing.T) {
	t.Parallel()
	const manifest = "datasets/demo/a.json"
	begin := func(deaths int) *runtest.Fixture {
		f := runtest.New(t)
		f.OneMachine = true
		f.Restart()
		f.Upload(manifest, runtest.Array(append(runtest.Plain("a", 3), runtest.Record("bad", runtest.Unratable))))
		f.Begin(manifest)
		if err := f.Deliver(f.Take(0)); err != nil {
			t.Fatal(err)
		}
		for i := range f.Queue {
			for range deaths {
				dieWith(t, f, f.Queue[i])
			}
		}
		f.Steps = 0
		return f
	}
	calm, alone := begin(0), begin(2)
	if err := errors.Join(calm.Drain(), alone.Drain()); err != nil {
		t.Fatal(err)
	}
	want := calm.Snapshot()
	for life := range alone.Steps {
		t.Run(fmt.Sprintf("after %d", life), func(t *testing.T) {
			t.Parallel()
			f := begin(2)
			f.Life = life
			if err := f.Drain(); !errors.Is(err, runtest.ErrKilled) {
				t.Fatalf("got error %v, want the error of a killed process", err)
			}
			f.Restart()
			if err := f.Drain(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
		})
	}
}

// arriveAndDie uploads a manifest, and ends the process that works on it before one of its writes and publications.
// Then it starts another process. It reports whether the run was accepted before the process ended.
func arriveAndDie(t *testing.T, f *runtest.Fixture, manifest string, life int) (accepted bool) {
	t.Helper()
	f.Life = life
	_, err := f.Arrive(manifest)
	if accepted = err == nil; accepted {
		err = f.Drain()
	}
	if !errors.Is(err, runtest.ErrKilled) {
		t.Fatalf("got error %v, want the error of a killed process", err)
	}
	f.Restart()
	return accepted
}
