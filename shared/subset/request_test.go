package subset_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestBudgetAskedAgain uploads dataset.yaml again with other budgets, before and after its run is scored.
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

// TestRequestKilled requests another selection of a scored run, and kills the process before each write and publication
// in turn. The next delivery of the notification completes the selection.
func TestRequestKilled(t *testing.T) {
	t.Parallel()
	const manifest, specFile = "datasets/again/parts/all.jsonl", "datasets/again/dataset.yaml"
	begin := func() *runtest.Fixture {
		f := runtest.New(t)
		f.Limits.RangeBytes, f.Limits.ShardSamples = 1<<20, 100 // one range and one shard; package run tests several
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
	for life := 0; life < calm.Steps-before; life += thorough.Stride(9) {
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
	for life := 0; life < calm.Steps-before; life += thorough.Stride(9) {
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

// TestOtherVersion has runs that other versions of Harvest planned. They are listed, but they are not continued, and no
// selection is made from them.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	older, newer := "an older layout than %d", "a newer layout than %d"
	olderReading, newerReading := "an older reading of records than %d", "a newer reading of records than %d"
	for problem, change := range map[string]func(*run.Plan){
		fmt.Sprintf(older, run.LayoutVersion):             func(p *run.Plan) { p.Layout-- },
		fmt.Sprintf(newer, run.LayoutVersion):             func(p *run.Plan) { p.Layout++ },
		fmt.Sprintf(olderReading, dataset.ReadingVersion): func(p *run.Plan) { p.Reading-- },
		fmt.Sprintf(newerReading, dataset.ReadingVersion): func(p *run.Plan) { p.Reading++ },
	} {
		t.Run(problem, func(t *testing.T) {
			t.Parallel()
			checkOtherVersion(t, problem, change)
		})
	}
}

// checkOtherVersion checks a scored run and its selection whose plan is of another version.
func checkOtherVersion(t *testing.T, problem string, change func(*run.Plan)) {
	t.Helper()
	f, plan := scored(t, runtest.Plain("a", 6))
	request := selection.Request{Budget: runtest.Budget(t, "2")}
	sel := selectNow(t, f, plan, request)
	other := *plan
	change(&other)
	content, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	f.Replace(run.Folder(plan.Run)+"plan.json", content)
	f.Restart()
	if runs, err := f.Runs.Runs(t.Context()); err != nil || !slices.Contains(runs, plan.Run) {
		t.Errorf("runs %v, %v", runs, err)
	}
	st := f.Status(plan.Run)
	if st.State != run.StateRefused || !strings.Contains(st.Problem, problem) {
		t.Errorf("state %s with problem %q, want refused for %s", st.State, st.Problem, problem)
	}
	before := f.Snapshot()
	ctx := t.Context()
	_, errRetry := f.Retry(plan.Run)
	_, errSelect := f.Subsets.Select(ctx, plan.Run, request, run.Allowance{})
	_, errExplain := f.Subsets.Explain(ctx, plan.Run, sel.ID, []string{"a00"})
	_, errPool := f.Subsets.Pool(ctx, plan.Run)
	_, errSeeds := f.Subsets.SeedPool(ctx, plan.Run, 0)
	for name, err := range map[string]error{
		"resume": f.Worker.Resume(ctx, plan.Run, false), "retry": errRetry, "select": errSelect,
		"cancel": f.Worker.Cancel(ctx, plan.Run), "approve": f.Worker.Approve(ctx, plan.Run),
		"explain": errExplain, "pool": errPool, "seed pool": errSeeds,
		"rejected": f.Subsets.WriteRejected(ctx, plan.Run, sel.ID, io.Discard),
	} {
		if reason := runtest.Refusal(t, err); reason != st.Problem {
			t.Errorf("%s: reason %q, want %q", name, reason, st.Problem)
		}
	}
	spec := run.Spec{Dataset: "demo", Manifests: []string{"a.json"}, Reuse: plan.Run, Images: "images/other/"}
	_, errReuse := f.Start(spec)
	if reason := runtest.Refusal(t, errReuse); !strings.Contains(reason, "reuse: "+st.Problem) {
		t.Errorf("reuse: reason %q", reason)
	}
	// Its messages are acknowledged.
	if _, err := f.Worker.CutRange(ctx, events.RangeTask{Run: plan.Run}, "d"); err != nil {
		t.Error(err)
	}
	if err := f.Subsets.WritePart(ctx, events.PartTask{Run: plan.Run, Selection: sel.ID}); !events.IsDataError(err) {
		t.Errorf("writing a part: error %v, want a permanent one", err)
	}
	f.Reconcile()
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" || len(f.Queue) > 0 {
		t.Errorf("it was continued: %d messages; objects (-before +after):\n%s", len(f.Queue), diff)
	}
}
