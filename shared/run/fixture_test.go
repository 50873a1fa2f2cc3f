package run_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestMain makes the garbage collector run less often, because the tests make much garbage.
func TestMain(m *testing.M) {
	thorough.Quicken()
	m.Run()
}

// mixed returns records with every outcome that needs no image. 10 records are scored: two of these have the same id,
// and one has no style. 2 records fail.
func mixed() []string {
	records := append(runtest.Plain("m", 8), runtest.Record("odd", runtest.Styleless),
		runtest.Record("bad", runtest.Unratable), `{"id": "hollow"}`)
	return slices.Insert(records, 2, runtest.Record("m01", "The same id again."))
}

// mixedManifest is the name of the manifest of newMixed.
const mixedManifest = "datasets/mixed/all.json"

// newMixed returns a fixture with the dataset "mixed" of the records mixed, which requests a selection of 75 %.
func newMixed(t testing.TB) *runtest.Fixture {
	t.Helper()
	f := runtest.New(t)
	f.Limits.Budget = runtest.Budget(t, "75%")
	f.Upload(mixedManifest, runtest.Array(mixed()))
	return f
}

// undisturbed returns the fixture of the mixed dataset after deliveries without errors.
func undisturbed(t testing.TB) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := newMixed(t)
	plan := f.Begin(mixedManifest)
	f.Finish(plan)
	return f, plan
}

// takeTask removes the first message of a kind of task from the queue.
func takeTask(t *testing.T, f *runtest.Fixture, kind string) runtest.Delivery {
	t.Helper()
	i := slices.IndexFunc(f.Queue, func(d runtest.Delivery) bool { return d.Attributes[events.AttrTask] == kind })
	if i < 0 {
		t.Fatalf("the queue has no task %q", kind)
	}
	return f.Take(i)
}

// drainShuffled delivers every message twice, in an order drawn with the seed.
func drainShuffled(f *runtest.Fixture, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	for len(f.Queue) > 0 {
		d := f.Take(rng.IntN(len(f.Queue)))
		if err := f.Deliver(d); err != nil {
			return err
		}
		if d.Attempt == 1 {
			d.Attempt++
			f.Queue = append(f.Queue, d)
		}
	}
	return nil
}
