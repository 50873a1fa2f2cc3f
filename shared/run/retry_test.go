package run_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	records := append(mixed(), runtest.Record("p1", "Late.", "p1.png"), runtest.Record("p2", "Later.", "p2.png"))
	const manifest = "datasets/demo/a.json"
	f.Upload(manifest, runtest.Array(records))
	first := f.Begin(manifest)
	if _, err := f.Retry(first.Run); !errors.Is(err, run.ErrNotScored) {
		t.Errorf("retrying a run that is not scored: error %v, want ErrNotScored", err)
	}
	if diff := cmp.Diff(events.Counts{In: 14, Scored: 10, Failed: 4}, f.Finish(first)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	ratedBefore := f.Scorer.Counts()
	err := f.Worker.Cancel(t.Context(), first.Run)
	if err == nil || !strings.Contains(err.Error(), "nothing left to cancel") {
		t.Errorf("cancelling a scored run: error %v", err)
	}

	f.Upload("images/demo/p1.png", runtest.PNG(t, 8, 8))
	f.Restart()
	second, err := f.Retry(first.Run)
	if err != nil {
		t.Fatal(err)
	}
	if second.Run == first.Run || second.Attempt != 1 || second.Reuse != first.Run {
		t.Errorf("retry is attempt %d, run %s, reusing %s", second.Attempt, second.Run, second.Reuse)
	}
	if diff := cmp.Diff(events.Counts{In: 14, Scored: 11, Failed: 3}, f.Finish(second)); diff != "" {
		t.Errorf("counts of the retry (-want +got):\n%s", diff)
	}
	rated := ratedSince(f, ratedBefore)
	// The scorer could not rate `bad`, so it tries again; `p2` still has no image.
	if diff := cmp.Diff([]string{"bad", "p1"}, rated); diff != "" {
		t.Errorf("samples rated by the retry (-want +got):\n%s", diff)
	}
	checkAttempt(t, f, first, second, "p1")
	if status := f.Status(second.Run); status.TakenOver != 10 || status.Reuse != first.Run {
		t.Errorf("%d scores reused from %q, want 10 from %s", status.TakenOver, status.Reuse, first.Run)
	}

	f.Restart()
	again, err := f.Retry(first.Run)
	if err != nil || again.Run != second.Run {
		t.Errorf("the same retry again is run %v, %v; want %s", again, err, second.Run)
	}
	if again := f.Begin(manifest); again.Run != second.Run {
		t.Errorf("the same upload again is run %s, want the last attempt %s", again.Run, second.Run)
	}
	if len(f.Queue) > 0 {
		t.Errorf("%d messages, although all work is done", len(f.Queue))
	}
}

// checkAttempt compares the scores of an attempt with the scores of the previous attempt, except for some samples.
func checkAttempt(t *testing.T, f *runtest.Fixture, first, second *run.Plan, rated ...string) {
	t.Helper()
	earlier := f.Records(first)
	for id, rec := range f.Records(second) {
		want := earlier[id]
		if want.Status == scores.OK {
			want.TakenFrom = first.Run
		}
		if diff := cmp.Diff(want, rec); !slices.Contains(rated, id) && diff != "" {
			t.Errorf("scores of %s (-first +second):\n%s", id, diff)
		}
	}
}

// ratedSince returns the ids of the samples that were rated more often than before.
func ratedSince(f *runtest.Fixture, before map[string]int) []string {
	rated := []string{}
	for id, n := range f.Scorer.Counts() {
		if n > before[id] {
			rated = append(rated, id)
		}
	}
	slices.Sort(rated)
	return rated
}

func TestRetryTwice(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json",
		runtest.Array([]string{runtest.Record("a", "Fine."), runtest.Record("p", "Late.", "p.png")}))
	first := f.Begin("datasets/demo/a.json")
	f.Finish(first)
	second, err := f.Retry(first.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(second)
	f.Upload("images/demo/p.png", runtest.PNG(t, 8, 8))
	third, err := f.Retry(second.Run)
	if err != nil {
		t.Fatal(err)
	}
	lastScored := func(of *run.Plan) string {
		t.Helper()
		last, err := f.Runs.LastScored(t.Context(), of.Run)
		if err != nil {
			t.Fatal(err)
		}
		return last.Run
	}
	if got := lastScored(first); got != second.Run { // the third is not scored yet
		t.Errorf("the last scored attempt is %s, want %s", got, second.Run)
	}
	if counts := f.Finish(third); third.Attempt != 2 || counts.Scored != 2 {
		t.Errorf("attempt %d has counts %+v, want all scored by attempt 2", third.Attempt, counts)
	}
	for _, of := range []*run.Plan{first, second, third} {
		if got := lastScored(of); got != third.Run {
			t.Errorf("the last scored attempt after attempt %d is %s, want %s", of.Attempt, got, third.Run)
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 1, "p": 1}, f.Scorer.Counts()); diff != "" {
		t.Errorf("ratings of each sample (-want +got):\n%s", diff)
	}
}

func TestRetryOfChangedManifest(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 2)))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("b", 2)))
	_, err := f.Retry(plan.Run)
	want := fmt.Sprintf("datasets/demo/a.json has changed since run %s: start the dataset again with `reuse: %s`",
		plan.Run, plan.Run)
	if runtest.Refusal(t, err) != want {
		t.Errorf("reason %q, want %q", runtest.Refusal(t, err), want)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	old := append(runtest.Plain("a", 9), runtest.Record("p", "Fine.", "p.png"), runtest.Record("bad", runtest.Unratable))
	changed := slices.Clone(old)
	changed[4] = runtest.Record("a04", "Another answer.")
	changed = slices.Insert(changed, 3, runtest.Record("new1", "Inserted."), runtest.Record("new2", "Inserted too."))

	tests := []struct {
		name   string
		change func(*runtest.Fixture)
		rated  []string // by the new run
	}{
		{"records inserted and changed", func(*runtest.Fixture) {}, []string{"a04", "bad", "new1", "new2"}},
		{"image changed", func(f *runtest.Fixture) { f.Upload("images/demo/p.png", runtest.PNG(t, 9, 9)) },
			[]string{"a04", "bad", "new1", "new2", "p"}},
		{"other scorer", func(f *runtest.Fixture) { f.Scorer.Name = "fake-2" }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload("images/demo/p.png", runtest.PNG(t, 8, 8))
			f.Upload("datasets/demo/parts/v1.json", runtest.Array(old))
			f.Upload("datasets/demo/parts/v2.json", runtest.Array(changed))
			first, err := f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/v1.json"}})
			if err != nil {
				t.Fatal(err)
			}
			f.Finish(first)
			test.change(f)
			f.Scorer.Rated = map[string]int{}
			f.Restart()
			spec := run.Spec{Dataset: "demo", Manifests: []string{"parts/v2.json"}, Reuse: first.Run}
			second, err := f.Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(events.Counts{In: 13, Scored: 12, Failed: 1}, f.Finish(second)); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			rated := ratedSince(f, nil)
			if test.rated == nil {
				if len(rated) != 13 {
					t.Errorf("%v were rated, want all", rated)
				}
				return
			}
			if diff := cmp.Diff(test.rated, rated); diff != "" {
				t.Errorf("samples rated (-want +got):\n%s", diff)
			}
			checkTakenOver(t, f.Records(first), f.Records(second), rated)
		})
	}
}

// checkTakenOver compares the scores of all samples, except the rated samples, with the scores of an earlier run.
func checkTakenOver(t *testing.T, earlier, later map[string]scores.Record, rated []string) {
	t.Helper()
	for id, rec := range later {
		if slices.Contains(rated, id) {
			continue
		}
		ignored := cmpopts.IgnoreFields(scores.Record{}, "Range", "Position", "TakenFrom")
		if diff := cmp.Diff(earlier[id], rec, ignored); diff != "" {
			t.Errorf("scores of %s (-earlier +reused):\n%s", id, diff)
		}
	}
}

// TestReuseOfAnUnfinishedRun reuses the scores that exist.
func TestReuseOfAnUnfinishedRun(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/v1.json", runtest.Array(runtest.Plain("a", 12)))
	f.Upload("datasets/demo/parts/v2.json", runtest.Array(runtest.Plain("a", 11)))
	first, err := f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/v1.json"}})
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("the scorer is gone")
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a11" {
			return lost
		}
		return nil
	}
	if err := f.Drain(); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	f.Queue = nil
	f.Pass(time.Hour)
	done := len(f.RangeScores(first, 0))
	f.Scorer.Rated = map[string]int{}
	second, err := f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/v2.json"}, Reuse: first.Run})
	if err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(second); counts.Scored != 11 || len(f.Scorer.Counts()) > 11-done {
		t.Errorf("counts %+v; %d were rated, and %d had scores", counts, len(f.Scorer.Counts()), done)
	}
}
