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

// oneShard returns a fixture with a run of one shard of three samples, a00 to a02, whose task is to be delivered.
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

// afterLease is a time after the end of every earlier lease.
const afterLease = 11 * time.Minute

// A sample that crashes its process is found: two attempts at the whole shard crash, then two attempts with only this
// sample. No other sample fails.
func TestPoison(t *testing.T) {
	t.Parallel()
	for name, oneMachine := range map[string]bool{"cloud": false, "one machine": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, plan, task := oneShard(t)
			f.OneMachine = oneMachine
			f.Restart()
			f.Scorer.Before = func(s *dataset.Sample) error {
				if s.ID == "a01" {
					return f.Kill()
				}
				return nil
			}
			deaths := 0
			for {
				_, err := f.Worker.ScoreShard(t.Context(), task, "d")
				if err == nil {
					break
				}
				if deaths++; !errors.Is(err, runtest.ErrKilled) || deaths > 10 {
					t.Fatalf("after %d deaths: %v", deaths, err)
				}
				f.Restart()
				if !oneMachine {
					f.Pass(afterLease)
				}
			}
			if deaths != 4 {
				t.Errorf("the process died %d times, want 4", deaths)
			}
			if diff := cmp.Diff(events.Counts{In: 3, Scored: 2, Failed: 1}, f.Account(plan)); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if rec := f.Records(plan)["a01"]; rec.Status != scores.Failed || rec.Code != run.ScorerDied {
				t.Errorf("sample a01 is %v with reason %q", rec.Status, rec.Reason)
			}
			// a00 is rated once in each attempt at the whole shard, and once alone, which writes its result.
			if diff := cmp.Diff(map[string]int{"a00": 3, "a02": 1}, f.Scorer.Counts()); diff != "" {
				t.Errorf("rated (-want +got):\n%s", diff)
			}
		})
	}
}

// Kills from outside do not fail a sample, because each kill hits another sample.
func TestKillsFromOutside(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.OneMachine = true
	f.Restart()
	for _, id := range []string{"a01", "a01", "a00", "a01", "a02"} {
		f.Scorer.Before = func(s *dataset.Sample) error {
			if s.ID == id {
				return f.Kill()
			}
			return nil
		}
		if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("killed at %s: error %v", id, err)
		}
		f.Restart()
	}
	f.Scorer.Before = nil
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// Attempts that end with an error do not count as crashes: no sample is rated alone, and no sample fails.
func TestErrorsAreNoDeaths(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	for i := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		f.Scorer.Before = func(*dataset.Sample) error {
			if i%2 == 0 {
				return errDown
			}
			cancel() // as when the process is asked to end
			return ctx.Err()
		}
		if _, err := f.Worker.ScoreShard(ctx, task, "d"); !errors.Is(err, errDown) && !errors.Is(err, context.Canceled) {
			t.Fatalf("attempt %d: error %v", i, err)
		}
		cancel()
	}
	f.Scorer.Before = nil
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
	if alone := f.Objects("runs/" + plan.Run + "/items/"); len(alone) > 0 {
		t.Errorf("samples were rated alone: %v", alone)
	}
}

// A shard that another delivery still works on is left to that delivery.
func TestLeaseHeld(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		delivery string
		fails    bool
	}{"another message": {"other", false}, "the same message": {"d", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, plan, task := oneShard(t)
			var meanwhile error
			second := 0
			f.Scorer.Before = func(s *dataset.Sample) error {
				if s.ID == "a01" {
					second++
					f.Pass(5 * time.Minute)
					_, meanwhile = f.Worker.ScoreShard(t.Context(), task, tt.delivery)
				}
				return nil
			}
			if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
				t.Fatal(err)
			}
			if failed := meanwhile != nil; failed != tt.fails || events.IsDataError(meanwhile) {
				t.Errorf("the second delivery got error %v; want a transient error: %v", meanwhile, tt.fails)
			}
			if counts := f.Account(plan); counts.Scored != 3 || second != 1 {
				t.Errorf("counts %+v, want all scored; a01 was begun %d times", counts, second)
			}
		})
	}
}

// A lease whose creation succeeded is held even if the answer was lost. It is not a crash.
func TestLostAnswerOfALease(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	lost := 0
	f.LostAnswer = func(name string) bool {
		if strings.Contains(name, "/started/") {
			lost++
			return true
		}
		return false
	}
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 || lost != 1 {
		t.Errorf("counts %+v after %d lost answers, want all scored after one", counts, lost)
	}
}

// A lease whose creation succeeded but returned an error is not held. It is not a crash.
func TestErrorOfALease(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	answers := 0
	f.AnswerError = func(name string) error {
		if strings.Contains(name, "/started/") && !strings.HasSuffix(name, ".waited") && answers < 3 {
			answers++
			return errDown
		}
		return nil
	}
	for range 3 {
		if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); !errors.Is(err, errDown) {
			t.Fatalf("error %v, want the error of the creation", err)
		}
	}
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 || len(f.Objects("runs/"+plan.Run+"/items/")) > 0 {
		t.Errorf("counts %+v, want all scored, and none alone", counts)
	}
}

// A sample that was rated alone, and whose result could not be written, did not crash a process.
func TestUnwrittenResultIsNoDeath(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.OneMachine = true
	f.Restart()
	for range 2 {
		f.Life = 1 // killed as soon as it has taken the lease
		if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("error %v, want the error of a killed process", err)
		}
		f.Restart()
	}
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		f.Scorer.Before = func(*dataset.Sample) error {
			cancel() // as when the process is asked to end
			return nil
		}
		if _, err := f.Worker.ScoreShard(ctx, task, "d"); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want the error of a cancelled delivery", err)
		}
		f.Scorer.Before = nil
		f.Restart()
	}
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	if counts := f.Account(plan); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// TestAloneIsTheSame compares the scores of samples that are rated alone and in batches.
func TestAloneIsTheSame(t *testing.T) {
	t.Parallel()
	var want []scores.Record
	for _, deaths := range []int{0, 1, 2, 3} {
		t.Run(fmt.Sprintf("%d deaths", deaths), func(t *testing.T) {
			f := newMixed(t)
			f.OneMachine = true
			f.Restart()
			plan := f.Begin(mixedManifest)
			for len(f.Queue) > 0 {
				d := f.Take(0)
				if d.Attributes[events.AttrTask] == events.TaskShard {
					for range deaths {
						dieWith(t, f, d)
					}
				}
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
				t.Errorf("scores (-without deaths +got):\n%s", diff)
			}
			if alone := len(f.Objects("runs/"+plan.Run+"/items/")) > 0; alone != (deaths >= 2) {
				t.Errorf("samples were rated alone: %v", alone)
			}
		})
	}
}

// dieWith delivers a message to a process that is killed as soon as it has taken the lease.
func dieWith(t *testing.T, f *runtest.Fixture, d runtest.Delivery) {
	t.Helper()
	f.Life = 1
	if err := f.Deliver(d); !errors.Is(err, runtest.ErrKilled) {
		t.Fatalf("error %v, want the error of a killed process", err)
	}
	f.Restart()
}
