package run_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// TestKillsResumesAndWidths cuts runs with random constants and delivers their messages in random order, while the
// process is killed with its messages, the run is resumed, and the width changes. Each run is scored, and its selection
// is made. Without kills, resumes and changed widths, no task is delivered twice. HARVEST_SOAK makes more runs.
func TestKillsResumesAndWidths(t *testing.T) {
	t.Parallel()
	seeds := uint64(6)
	if os.Getenv("HARVEST_SOAK") != "" {
		seeds = 40
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		f := runtest.New(t)
		f.OneMachine = true
		f.Limits.InFlight, f.Limits.ShardSamples = 1+rng.IntN(5), 1+rng.IntN(4)
		f.Limits.RangeBytes, f.Limits.Budget = int64(150+rng.IntN(1500)), runtest.Budget(t, "50%")
		f.Restart()
		f.Upload(mixedManifest, runtest.Array(runtest.Plain("a", 3+rng.IntN(20))))
		plan := f.Begin(mixedManifest)
		kills, resumes, delivered := rng.IntN(4)*int(seed%2), rng.IntN(3)*int(seed%2), map[string]int{}
		for len(f.Queue) > 0 {
			if kills > 0 && rng.IntN(8) == 0 {
				kills--
				killAndContinue(t, f, plan, rng)
				continue
			}
			if resumes > 0 && rng.IntN(10) == 0 && f.Status(plan.Run).State == run.StateScoring {
				resumes--
				if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
					t.Fatal(err)
				}
			}
			d := f.Take(rng.IntN(len(f.Queue)))
			delivered[d.Attributes[events.AttrTask]+string(d.Data)]++
			if err := f.Deliver(d); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		st := f.Status(plan.Run)
		if st.State != run.StateScored || len(st.Selections) != 1 ||
			f.SelectionState(plan.Run, st.Selections[0]) != "completed" {
			t.Errorf("seed %d: state %s after %+v, selections %v", seed, st.State, st.Progress, st.Selections)
			continue
		}
		f.Account(plan)
		for task, n := range delivered {
			if seed%2 == 0 && n > 1 {
				t.Errorf("seed %d: %s was delivered %d times", seed, task, n)
			}
		}
	}
}

// killAndContinue kills the process within its next steps, with all messages, and continues the run under another
// width.
func killAndContinue(t *testing.T, f *runtest.Fixture, plan *run.Plan, rng *rand.Rand) {
	t.Helper()
	f.Life = rng.IntN(6)
	for len(f.Queue) > 0 && f.Deliver(f.Take(rng.IntN(len(f.Queue)))) == nil {
	}
	f.Queue, f.Limits.InFlight = nil, 1+rng.IntN(5)
	f.Restart()
	if rng.IntN(2) == 0 && f.Status(plan.Run).State == run.StateScoring {
		if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
			t.Fatal(err)
		}
	}
	f.Reconcile()
}
