package subset_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestBudgetAskedAgain drops dataset.yaml again with other budgets, before and after its run is scored.
func TestBudgetAskedAgain(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	const prefix = "datasets/again/"
	f.Upload(prefix+"parts/all.jsonl", runtest.Lines(runtest.Plain("s", 20)))
	ask := func(budget string) string {
		f.Upload(prefix+"dataset.yaml", fmt.Appendf(nil, "manifests: [parts/all.jsonl]\nbudget: %s\n", budget))
		plan, err := f.Arrive(prefix + "dataset.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return plan.Run
	}
	id := ask("30%")
	if other := ask("0.5"); other != id {
		t.Fatalf("runs %s and %s of one dataset", id, other)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if got := f.Status(id).Selections; len(got) != 2 {
		t.Fatalf("selections %v once scored, want two", got)
	}
	for _, budget := range []string{"2", "2", "30%", "50%"} {
		ask(budget)
		if err := f.Drain(); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Status(id).Selections; len(got) != 3 {
		t.Errorf("selections %v, want one for each budget", got)
	}
	if got := f.EventIDs(events.RunScored); len(got) != 1 {
		t.Errorf("events %v, want one of the scored run", got)
	}
	if _, err := f.Arrive(prefix + "dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	f.Upload(prefix+"dataset.yaml", []byte("manifests: [parts/all.jsonl]\nbudget: 21\n"))
	_, err := f.Arrive(prefix + "dataset.yaml")
	if got, want := runtest.Refusal(t, err), "budget: 21 samples are more than the run has; the most is 20"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// TestRequestKilled asks a scored run for another selection, and kills the process before each of its writes and
// publications in turn. The next delivery of the notification makes up for it.
func TestRequestKilled(t *testing.T) {
	t.Parallel()
	const manifest, specFile = "datasets/again/parts/all.jsonl", "datasets/again/dataset.yaml"
	begin := func() *runtest.Fixture {
		f := runtest.New(t)
		f.Limits.RangeBytes, f.Limits.ShardSamples = 1<<20, 100 // one of each: package run has them killed in any number
		f.Upload(manifest, runtest.Lines(runtest.Plain("s", 8)))
		f.Upload(specFile, []byte("manifests: [parts/all.jsonl]\nbudget: 3\n"))
		f.Finish(f.Begin(specFile))
		f.Upload(specFile, []byte("manifests: [parts/all.jsonl]\nbudget: 5\n"))
		return f
	}
	live := func(f *runtest.Fixture) error {
		if _, err := f.Arrive(specFile); err != nil {
			return err
		}
		return f.Drain()
	}
	calm := begin()
	before := calm.Steps
	if err := live(calm); err != nil {
		t.Fatal(err)
	}
	want := calm.Snapshot()
	for life := range calm.Steps - before {
		f := begin()
		f.Life = life
		if err := live(f); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("after %d: error %v, want that of a killed process", life, err)
		}
		f.Restart()
		if err := live(f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
			t.Errorf("killed after %d: objects (-undisturbed +got):\n%s", life, diff)
		}
	}
}

// TestRetryCopiesRequests requests a selection of a run, and retries it with a kill at each step.
func TestRetryCopiesRequests(t *testing.T) {
	t.Parallel()
	begin := func() (*runtest.Fixture, *run.Plan) {
		f, plan := scored(t, runtest.Plain("a", 3)) // one range and one shard
		f.OneMachine = true
		request := selection.Request{Budget: runtest.Budget(t, "2")}
		if err := f.Subsets.Request(t.Context(), plan, request, run.Allowance{}); err != nil {
			t.Fatal(err)
		}
		f.Finish(plan)
		return f, plan
	}
	live := func(f *runtest.Fixture, plan *run.Plan) (*run.Plan, error) {
		next, err := f.Retry(plan.Run)
		if err != nil {
			return nil, err
		}
		return next, f.Drain()
	}
	calm, plan := begin()
	before := calm.Steps
	next, err := live(calm, plan)
	if err != nil {
		t.Fatal(err)
	}
	want := calm.Snapshot()
	if got := calm.Status(next.Run).Selections; len(got) != 1 {
		t.Fatalf("selections %v of the retry, want one", got)
	}
	for life := range calm.Steps - before {
		f, plan := begin()
		f.Life = life
		if _, err := live(f, plan); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("after %d: error %v, want that of a killed process", life, err)
		}
		f.Restart()
		if _, err := live(f, plan); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
			t.Errorf("killed after %d: objects (-undisturbed +got):\n%s", life, diff)
		}
	}
}

// TestOtherLayout meets a run that another version of Harvest has laid out: it is listed, and nothing continues it.
func TestOtherLayout(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 6))
	const old = "demo-0123456789ab"
	other := *plan
	other.Run, other.Layout = old, run.LayoutVersion-1
	for name, v := range map[string]any{"plan.json": other, "scored": run.Scored{}} {
		if _, err := bucket.CreateJSON(t.Context(), f.Work, run.Folder(old)+name, v); err != nil {
			t.Fatal(err)
		}
	}
	if runs, err := f.Runs.Runs(t.Context()); err != nil || !slices.Contains(runs, old) {
		t.Errorf("runs %v, %v", runs, err)
	}
	st := f.Status(old)
	if st.State != run.StateRefused ||
		!strings.Contains(st.Problem, fmt.Sprintf("an older layout than %d", run.LayoutVersion)) {
		t.Errorf("state %s with problem %q, want refused for its layout", st.State, st.Problem)
	}
	before := f.Snapshot()
	_, errRetry := f.Retry(old)
	_, errSelect := f.Subsets.Select(t.Context(), old, selection.Request{Budget: runtest.Budget(t, "2")}, run.Allowance{})
	for name, err := range map[string]error{
		"resume": f.Worker.Resume(t.Context(), old, false), "retry": errRetry, "select": errSelect,
		"cancel": f.Worker.Cancel(t.Context(), old), "approve": f.Worker.Approve(t.Context(), old),
	} {
		if reason := runtest.Refusal(t, err); reason != st.Problem {
			t.Errorf("%s: reason %q, want %q", name, reason, st.Problem)
		}
	}
	// Its messages are acknowledged.
	if _, err := f.Worker.CutRange(t.Context(), events.RangeTask{Run: old}, "d"); err != nil {
		t.Error(err)
	}
	if err := f.Subsets.WritePart(t.Context(), events.PartTask{Run: old}); !events.IsDataError(err) {
		t.Errorf("writing a part: error %v, want a permanent one", err)
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" || len(f.Queue) > 0 {
		t.Errorf("it was continued: %d messages; objects (-before +after):\n%s", len(f.Queue), diff)
	}
}
