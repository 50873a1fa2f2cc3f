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
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
)

// oneShard is a fixture with a run of one shard of three samples, a00 to a02, whose task is to be delivered.
func oneShard(t *testing.T) (*runtest.Fixture, *run.Plan, events.ShardTask) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 3)))
	plan := f.Begin("datasets/demo/a.json")
	if err := f.Deliver(f.Take(0)); err != nil {
		t.Fatal(err)
	}
	return f, plan, runtest.Decode[events.ShardTask](t, f.Take(0).Message)
}

// afterLease is past every lease that was taken before.
const afterLease = 11 * time.Minute

func TestScorerDies(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a01" {
			return f.Kill()
		}
		return nil
	}
	deaths := 0
	for attempt := 1; ; attempt++ {
		_, err := f.Worker.ScoreShard(t.Context(), task, attempt, "d")
		if err == nil {
			break
		}
		if !errors.Is(err, runtest.ErrKilled) || attempt > 10 {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
		deaths++
		f.Restart()
		f.Pass(afterLease)
	}
	// Four attempts at the whole shard, then a lease each for two more.
	if deaths != 6 {
		t.Errorf("the scorer died %d times, want 6", deaths)
	}
	if diff := cmp.Diff(events.Counts{In: 3, Scored: 2, Failed: 1}, f.Account(plan)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if rec := f.Records(plan)["a01"]; rec.Status != scores.Failed || rec.Code != run.ScorerDied {
		t.Errorf("sample a01 is %v with reason %q", rec.Status, rec.Reason)
	}
	// a00 has a result of its own from the first lease on: once in each whole attempt, and once more.
	if got := f.Scorer.Times("a00"); got != 5 {
		t.Errorf("sample a00 was rated %d times, want 5", got)
	}
	if got := f.Scorer.Times("a02"); got != 1 {
		t.Errorf("sample a02 was rated %d times, want 1", got)
	}
}

func TestItemByItemOfTheWorld(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	full := errors.New("the scorer is full")
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a01" {
			return full
		}
		return nil
	}
	for attempt := 5; attempt < 15; attempt++ {
		if _, err := f.Worker.ScoreShard(t.Context(), task, attempt, "d"); !errors.Is(err, full) {
			t.Fatalf("attempt %d: error %v, want that of the scorer", attempt, err)
		}
	}
	released := 0
	for _, name := range f.Objects("runs/" + plan.Run + "/items/") {
		if strings.HasSuffix(name, ".released") {
			released++
		}
	}
	if released != 10 {
		t.Errorf("%d of 10 leases were released", released)
	}
	if got := f.Scorer.Times("a00"); got != 1 {
		t.Errorf("sample a00 was rated %d times, want 1", got)
	}
	f.Scorer.Before = nil
	if _, err := f.Worker.ScoreShard(t.Context(), task, 15, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// TestItemByItemCancelled ends a delivery, as its deadline does, while a sample is being rated: the sample is not
// recorded as failed.
func TestItemByItemCancelled(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		f.Scorer.Before = func(*dataset.Sample) error {
			cancel()
			return ctx.Err()
		}
		if _, err := f.Worker.ScoreShard(ctx, task, 5, "d"); !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want that of the context", err)
		}
	}
	f.Scorer.Before = nil
	if _, err := f.Worker.ScoreShard(t.Context(), task, 8, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

func TestLeaseHeld(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	var meanwhile error
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a01" && meanwhile == nil {
			f.Pass(5 * time.Minute)
			_, meanwhile = f.Worker.ScoreShard(t.Context(), task, 6, "other")
		}
		return nil
	}
	if _, err := f.Worker.ScoreShard(t.Context(), task, 5, "d"); err != nil {
		t.Fatal(err)
	}
	if meanwhile == nil || events.IsDataError(meanwhile) ||
		!strings.Contains(meanwhile.Error(), "held by another delivery until") {
		t.Errorf("the other delivery got error %v, want a transient one that names the lease and its end", meanwhile)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
	for id, n := range f.Scorer.Counts() {
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
			f := newMixed(t)
			plan := f.Begin(mixedManifest)
			for len(f.Queue) > 0 {
				d := f.Take(0)
				d.Attempt = attempt
				if err := f.Deliver(d); err != nil {
					t.Fatal(err)
				}
			}
			f.Account(plan)
			got := f.RangeScores(plan, 0)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scores (-attempt 1 +got):\n%s", diff)
			}
			if leased := len(f.Objects("runs/"+plan.Run+"/items/")) > 0; leased != (attempt >= 5) {
				t.Errorf("there are leases: %v", leased)
			}
		})
	}
}
