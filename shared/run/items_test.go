package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
)

// oneShard is a world with a run of one shard of three samples, a00 to a02, whose task is to be delivered.
func oneShard(t *testing.T) (*world, *run.Plan, events.ShardTask) {
	t.Helper()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array(plain("a", 3)))
	plan := w.start("datasets/demo/a.json")
	if err := w.deliver(w.take(0)); err != nil {
		t.Fatal(err)
	}
	return w, plan, decode[events.ShardTask](t, w.take(0))
}

// afterLease is past every lease that was taken before.
const afterLease = 11 * time.Minute

func TestScorerDies(t *testing.T) {
	t.Parallel()
	w, plan, task := oneShard(t)
	w.rater.before = func(s *dataset.Sample) error {
		if s.ID == "a01" {
			return w.kill()
		}
		return nil
	}
	deaths := 0
	for attempt := 1; ; attempt++ {
		_, err := w.store.ScoreShard(t.Context(), task, attempt, "d")
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) || attempt > 10 {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
		deaths++
		w.restart()
		w.pass(afterLease)
	}
	// Four attempts at the whole shard, then a lease each for two more.
	if deaths != 6 {
		t.Errorf("the scorer died %d times, want 6", deaths)
	}
	if diff := cmp.Diff(events.Counts{In: 3, Scored: 2, Failed: 1}, w.account(plan)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if rec := w.records(plan)["a01"]; rec.Status != scores.Failed || !strings.HasPrefix(rec.Reason, run.ScorerDied+":") {
		t.Errorf("sample a01 is %v with reason %q", rec.Status, rec.Reason)
	}
	// a00 has a result of its own from the first lease on: once in each whole attempt, and once more.
	if got := w.rater.times("a00"); got != 5 {
		t.Errorf("sample a00 was rated %d times, want 5", got)
	}
	if got := w.rater.times("a02"); got != 1 {
		t.Errorf("sample a02 was rated %d times, want 1", got)
	}
}

func TestItemByItemOfTheWorld(t *testing.T) {
	t.Parallel()
	w, plan, task := oneShard(t)
	full := errors.New("the scorer is full")
	w.rater.before = func(s *dataset.Sample) error {
		if s.ID == "a01" {
			return full
		}
		return nil
	}
	for attempt := 5; attempt < 15; attempt++ {
		if _, err := w.store.ScoreShard(t.Context(), task, attempt, "d"); !errors.Is(err, full) {
			t.Fatalf("attempt %d: error %v, want that of the scorer", attempt, err)
		}
	}
	released := 0
	for _, name := range w.objects("runs/" + plan.Run + "/items/") {
		if strings.HasSuffix(name, ".released") {
			released++
		}
	}
	if released != 10 {
		t.Errorf("%d of 10 leases were released", released)
	}
	if got := w.rater.times("a00"); got != 1 {
		t.Errorf("sample a00 was rated %d times, want 1", got)
	}
	w.rater.before = nil
	if _, err := w.store.ScoreShard(t.Context(), task, 15, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := w.account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// TestItemByItemCancelled ends a delivery, as its deadline does, while a sample is being rated: the sample is not to blame.
func TestItemByItemCancelled(t *testing.T) {
	t.Parallel()
	w, plan, task := oneShard(t)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		w.rater.before = func(*dataset.Sample) error {
			cancel()
			return ctx.Err()
		}
		if _, err := w.store.ScoreShard(ctx, task, 5, "d"); !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want that of the context", err)
		}
	}
	w.rater.before = nil
	if _, err := w.store.ScoreShard(t.Context(), task, 8, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := w.account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

func TestLeaseHeld(t *testing.T) {
	t.Parallel()
	w, plan, task := oneShard(t)
	var meanwhile error
	w.rater.before = func(s *dataset.Sample) error {
		if s.ID == "a01" && meanwhile == nil {
			w.pass(5 * time.Minute)
			_, meanwhile = w.store.ScoreShard(t.Context(), task, 6, "other")
		}
		return nil
	}
	if _, err := w.store.ScoreShard(t.Context(), task, 5, "d"); err != nil {
		t.Fatal(err)
	}
	if meanwhile == nil || events.IsDataError(meanwhile) || !strings.Contains(meanwhile.Error(), "held by another delivery until") {
		t.Errorf("the other delivery got error %v, want one of the world that says who holds what", meanwhile)
	}
	if counts := w.account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
	for id, n := range w.rater.counts() {
		if n != 1 {
			t.Errorf("sample %s was rated %d times", id, n)
		}
	}
}

// TestItemByItemIsTheSame compares scores of both ways to rate.
func TestItemByItemIsTheSame(t *testing.T) {
	t.Parallel()
	var want []scores.Record
	for _, attempt := range []int{1, 4, 5, 99} {
		t.Run(fmt.Sprintf("attempt %d", attempt), func(t *testing.T) {
			w := newMixed(t)
			plan := w.start(mixedManifest)
			for len(w.queue) > 0 {
				d := w.take(0)
				d.attempt = attempt
				if err := w.deliver(d); err != nil {
					t.Fatal(err)
				}
			}
			w.account(plan)
			got := w.rangeScores(plan, 0)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scores (-attempt 1 +got):\n%s", diff)
			}
			if leased := len(w.objects("runs/"+plan.Run+"/items/")) > 0; leased != (attempt >= 5) {
				t.Errorf("there are leases: %v", leased)
			}
		})
	}
}
