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
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestWaiting checks the report of a run that waits, until samples are rated again.
func TestWaiting(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	away := fmt.Errorf("%w: the sidecar answered 503", scorer.ErrUnavailable)
	var opening error
	f.OpenScorer = func(ctx context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
		if opening != nil {
			scorer.ReportWait(ctx, scorer.Wait{Why: opening, Advice: "Look at its log."})
			return nil, opening
		}
		return f.Scorer.For(r), nil
	}
	f.Restart()
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 9)))
	plan := f.Begin("datasets/demo/a.json")
	check := func(doing string, want *run.Waiting) {
		t.Helper()
		checkWaiting(t, f, plan.Run, doing, want)
	}
	begin := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	check("nothing was tried", nil)
	if err := f.Deliver(takeTask(t, f, events.TaskRange)); err != nil {
		t.Fatal(err)
	}

	opening = away
	shard := takeTask(t, f, events.TaskShard)
	wait := func() {
		t.Helper()
		if err := f.Deliver(shard); !errors.Is(err, scorer.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	wait()
	report := run.Waiting{Since: begin, Asked: begin, Reason: away.Error(), Advice: "Look at its log."}
	check("the scorer is unreachable", &report)
	f.Pass(3 * time.Minute)
	wait()
	wait()
	report.Asked = begin.Add(3 * time.Minute)
	check("it is still unreachable", &report)
	checkReports(t, f, 2)
	f.Restart() // by another process
	f.Pass(14 * time.Minute)
	check("the last report is still valid", &report)
	f.Pass(2 * time.Minute)
	check("the last report has expired", nil)
	wait()
	now := begin.Add(19 * time.Minute)
	report.Since, report.Asked = now, now
	check("it is unreachable again", &report)

	opening = nil
	if err := f.Deliver(shard); err != nil {
		t.Fatal(err)
	}
	check("a shard is scored", nil)
	f.Finish(plan)
	check("the run is scored", nil)
}

// checkWaiting compares the wait report in a run's status, and in a list, with the expected one.
func checkWaiting(t *testing.T, f *runtest.Fixture, id, doing string, want *run.Waiting) {
	t.Helper()
	got := f.Status(id).Waiting
	listed, _, err := f.Runs.List(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || !cmp.Equal(got, listed[0].Waiting) {
		t.Errorf("%s: (-want +got, in a list %+v):\n%s", doing, listed[0].Waiting, diff)
	}
}

// checkReports checks the number of reports. There is one for each minute in which a call waited.
func checkReports(t *testing.T, f *runtest.Fixture, want int) {
	t.Helper()
	var names []string
	for name := range f.Snapshot() {
		if strings.Contains(name, "/waiting/") {
			names = append(names, name)
		}
	}
	if len(names) != want {
		t.Errorf("reports %v, want %d", names, want)
	}
}

// TestWaitingOfOthers ends the report of another process. If the scorer has no advice, the report has a general one.
// Planning waits for the scorer, too.
func TestWaitingOfOthers(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 9)))
	planner := f.Planner()
	upload, spec, _, err := planner.Uploaded(t.Context(), "datasets/demo/a.json")
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.Subsets.AcceptRun(t.Context(), planner, f.Worker, spec, upload)
	if err != nil {
		t.Fatal(err)
	}
	f.OpenScorer = func(context.Context, string, *rubric.Rubric) (scorer.Scorer, error) {
		return nil, scorer.ErrUnavailable
	}
	f.Restart()
	if err := f.Deliver(f.Queue[0]); !errors.Is(err, scorer.ErrUnavailable) {
		t.Fatalf("error %v of planning", err)
	}
	if st := f.Status(id); st.State != run.StatePlanning || st.Waiting == nil {
		t.Errorf("state %s, waiting %+v", st.State, st.Waiting)
	}
	opens := f.OpenScorer
	f.OpenScorer = func(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
		return f.Scorer.For(r), nil
	}
	f.Restart()
	for _, kind := range []string{events.TaskPlan, events.TaskRange} {
		if err := f.Deliver(takeTask(t, f, kind)); err != nil {
			t.Fatal(err)
		}
	}
	f.OpenScorer = opens
	f.Pass(time.Hour)
	f.Restart()
	shard := takeTask(t, f, events.TaskShard)
	if err := f.Deliver(shard); !errors.Is(err, scorer.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if w := f.Status(id).Waiting; w == nil || !strings.HasPrefix(w.Advice, "Nothing is lost: ") {
		t.Errorf("waiting %+v", w)
	}
	f.OpenScorer = func(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
		return f.Scorer.For(r), nil
	}
	f.Restart()
	if err := f.Deliver(shard); err != nil {
		t.Fatal(err)
	}
	if w := f.Status(id).Waiting; w != nil {
		t.Errorf("waiting %+v after another process scored", w)
	}
}

// TestAwayWhileRating makes the scorer unreachable during rating, more often than a task may fail. This counts as
// waiting, not as failed attempts.
func TestAwayWhileRating(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 3)))
	plan := f.Begin("datasets/demo/a.json")
	if err := f.Deliver(takeTask(t, f, events.TaskRange)); err != nil {
		t.Fatal(err)
	}
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a01" {
			return fmt.Errorf("%w: not ready within 6m40s: connection refused", scorer.ErrUnavailable)
		}
		return nil
	}
	shard := takeTask(t, f, events.TaskShard)
	for range 30 {
		if err := f.Deliver(shard); !errors.Is(err, scorer.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	for _, name := range f.Objects(run.Folder(plan.Run)) {
		if strings.HasSuffix(name, ".failed") || strings.Contains(name, "/dead/") {
			t.Errorf("it counts as a failure: %s", name)
		}
	}
	f.Scorer.Before = nil
	if err := f.Deliver(shard); err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(plan); counts.Scored != 3 || counts.Failed != 0 {
		t.Errorf("counts %+v", counts)
	}
}
