package run_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// newMixed is a world with the dataset `mixed`, which asks for a selection of three samples in four.
func newMixed(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.limits.Budget = budget(t, "75%")
	w.upload("datasets/mixed/all.json", array(mixed()))
	return w
}

const mixedManifest = "datasets/mixed/all.json"

// undisturbed is the mixed dataset's world after nothing but good deliveries.
func undisturbed(t testing.TB) (*world, *run.Plan) {
	t.Helper()
	w := newMixed(t)
	plan := w.start(mixedManifest)
	w.finish(plan)
	return w, plan
}

func TestWholeWay(t *testing.T) {
	t.Parallel()
	w := newMixed(t)
	plan := w.start(mixedManifest)
	if len(plan.Ranges) < 2 {
		t.Fatalf("%d ranges, want several", len(plan.Ranges))
	}
	counts := w.finish(plan)
	if diff := cmp.Diff(events.Counts{In: 12, Scored: 9, Failed: 2, Skipped: 1}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for id, times := range w.rater.counts() {
		if times != 1 {
			t.Errorf("sample %s was rated %d times", id, times)
		}
	}
	if diff := cmp.Diff([]string{plan.Run}, w.eventIDs(events.RunScored)); diff != "" {
		t.Errorf("ids of run.scored (-want +got):\n%s", diff)
	}

	st := w.status(plan.Run)
	if st.State != run.StateScored || len(st.Selections) != 1 {
		t.Fatalf("state %s with selections %v, want scored with one", st.State, st.Selections)
	}
	wantReasons := map[string]int64{"unratable": 1, "no conversation": 1, "duplicate id": 1}
	if diff := cmp.Diff(wantReasons, st.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	id := st.Selections[0]
	if diff := cmp.Diff([]string{plan.Run + "/" + id}, w.eventIDs(events.SelectionCompleted)); diff != "" {
		t.Errorf("ids of selection.completed (-want +got):\n%s", diff)
	}
	sel, err := w.store.Selection(t.Context(), plan.Run, id)
	if err != nil {
		t.Fatal(err)
	}
	// 75% of 12 are 9 samples, and one of the 9 that were scored has no style.
	if sel.Total != 12 || sel.Parameters.Budget != 9 || sel.Selected != 8 || sel.Shortfall != 1 {
		t.Errorf("selected %d of %d at a budget of %d with a shortfall of %d, want 8 of 12 at 9 with 1",
			sel.Selected, sel.Total, sel.Parameters.Budget, sel.Shortfall)
	}
	if done, err := w.store.Completed(t.Context(), plan.Run, id); err != nil || !done {
		t.Errorf("completed: %v, %v", done, err)
	}
	subset, rejected := string(w.read(sel.Outputs.Subset)), string(w.read(sel.Outputs.Rejected))
	if got := strings.Count(subset, `"id"`) + strings.Count(rejected, "\n"); got != 12 {
		t.Errorf("subset and rejected account for %d samples of 12", got)
	}
	completed := w.events[len(w.events)-1]
	event := decode[events.SelectionCompletedEvent](t, delivery{Message: completed})
	want := events.SelectionCompletedEvent{Run: plan.Run, Dataset: "mixed", Selection: id, Selected: 8, Outputs: map[string]string{
		"subset": sel.Outputs.Subset, "rejected": sel.Outputs.Rejected, "picks": sel.Outputs.Picks, "selection": sel.Outputs.Selection,
	}}
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("selection.completed (-want +got):\n%s", diff)
	}
}

func TestDeliveriesTwiceInAnyOrder(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	want := calm.snapshot()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newMixed(t)
			w.start(mixedManifest)
			w.start(mixedManifest) // the upload's notification comes twice too
			if err := w.drainShuffled(seed); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, w.snapshot()); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
			if diff := cmp.Diff(calm.rater.counts(), w.rater.counts()); diff != "" {
				t.Errorf("ratings of each sample (-undisturbed +got):\n%s", diff)
			}
			if got := w.status(plan.Run).Selections; len(got) != 1 {
				t.Errorf("selections %v, want one", got)
			}
		})
	}
}

// TestDeliveriesAtOnce delivers every message twice at the same time, as two instances of a service may have it.
func TestDeliveriesAtOnce(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	w := newMixed(t)
	w.start(mixedManifest)
	for len(w.queue) > 0 {
		batch := slices.Concat(w.queue, w.queue)
		w.queue = nil
		errs := make([]error, len(batch))
		var group sync.WaitGroup
		for i, d := range batch {
			group.Go(func() { errs[i] = w.deliver(d) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(calm.snapshot(), w.snapshot()); diff != "" {
		t.Errorf("objects (-undisturbed +got):\n%s", diff)
	}
	for _, id := range w.eventIDs(events.RunScored) {
		if id != plan.Run {
			t.Errorf("run.scored has id %s, want %s", id, plan.Run)
		}
	}
}

// TestKilled kills the process before each of its writes and publications in turn. Whatever is done
// next, the objects come out as if nothing had happened.
func TestKilled(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	want := calm.snapshot()
	ways := []struct {
		name    string
		recover func(t *testing.T, w *world)
	}{
		// In the cloud the messages outlive the process, also the one that was being delivered.
		{"redelivery", func(t *testing.T, w *world) {
			w.start(mixedManifest)
			w.finish(plan)
		}},
		// On one machine they die with it.
		{"resume", func(t *testing.T, w *world) {
			w.queue = nil
			w.start(mixedManifest)
			if err := w.store.Resume(t.Context(), plan.Run, false); err != nil {
				t.Fatal(err)
			}
			w.finish(plan)
			if _, err := w.store.Select(t.Context(), plan.Run, plan.Selection); err != nil {
				t.Fatal(err)
			}
			w.finish(plan)
		}},
	}
	for _, way := range ways {
		for life := range calm.steps {
			t.Run(fmt.Sprintf("%s after %d", way.name, life), func(t *testing.T) {
				t.Parallel()
				w := newMixed(t)
				w.life = life
				_, err := w.arrive(mixedManifest)
				if err == nil {
					err = w.drain()
				}
				if !errors.Is(err, errKilled) {
					t.Fatalf("got error %v, want that of a killed process", err)
				}
				w.restart()
				way.recover(t, w)
				if diff := cmp.Diff(want, w.snapshot()); diff != "" {
					t.Errorf("objects (-undisturbed +got):\n%s", diff)
				}
				for kind, id := range map[string]string{
					events.RunScored:          plan.Run,
					events.SelectionCompleted: plan.Run + "/" + w.status(plan.Run).Selections[0],
				} {
					got := slices.Compact(w.eventIDs(kind))
					if diff := cmp.Diff([]string{id}, got); diff != "" {
						t.Errorf("ids of %s (-want +got):\n%s", kind, diff)
					}
				}
			})
		}
	}
}

// TestKilledItemByItem does the same to deliveries that rate one sample at a time.
func TestKilledItemByItem(t *testing.T) {
	t.Parallel()
	const manifest = "datasets/demo/a.json"
	begin := func() *world {
		w := newWorld(t)
		w.upload(manifest, array(append(plain("a", 3), record("bad", unratable))))
		return w
	}
	live := func(w *world, attempt int) error {
		if _, err := w.arrive(manifest); err != nil {
			return err
		}
		for len(w.queue) > 0 {
			d := w.take(0)
			d.attempt = attempt
			if err := w.deliver(d); err != nil {
				w.queue = append(w.queue, d)
				return err
			}
		}
		return nil
	}
	calm, long := begin(), begin()
	if err := errors.Join(live(calm, 1), live(long, 5)); err != nil {
		t.Fatal(err)
	}
	want := calm.snapshot()
	for life := range long.steps {
		t.Run(fmt.Sprintf("after %d", life), func(t *testing.T) {
			t.Parallel()
			w := begin()
			w.life = life
			if err := live(w, 5); !errors.Is(err, errKilled) {
				t.Fatalf("got error %v, want that of a killed process", err)
			}
			w.restart()
			w.pass(afterLease) // of the sample that was being rated
			if err := live(w, 6); err != nil {
				t.Fatal(err)
			}
			got := w.snapshot()
			maps.DeleteFunc(got, func(name, _ string) bool { return strings.Contains(name, "/items/") })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
		})
	}
}
