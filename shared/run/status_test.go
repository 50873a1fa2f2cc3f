package run_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

func TestStatusOnTheWay(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.RangeBytes = 1 << 20
	records := runtest.Plain("a", 7)
	first, second := runtest.Array(records[:4]), runtest.Array(records[4:])
	f.Upload("datasets/demo/parts/1.json", first)
	f.Upload("datasets/demo/parts/2.json", second)
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/1.json, parts/2.json]"))
	plan := f.Begin("datasets/demo/dataset.yaml")
	check := func(doing, state string, want run.Progress) {
		t.Helper()
		st := f.Status(plan.Run)
		if st.State != state || st.Samples.In != 7 || st.Scorer != "fake" || st.ScorerID != "fake-1" ||
			st.Rubric != plan.Rubric.Hash() {
			t.Errorf("%s: status %+v, want state %s", doing, st, state)
		}
		if diff := cmp.Diff(want, st.Progress); diff != "" {
			t.Errorf("%s: progress (-want +got):\n%s", doing, diff)
		}
	}
	step := func(kind string) {
		t.Helper()
		if err := f.Deliver(takeTask(t, f, kind)); err != nil {
			t.Fatal(err)
		}
	}
	check("planned", run.StateScoring, run.Progress{Ranges: 2})
	step(events.TaskRange)
	check("one range cut", run.StateScoring, run.Progress{Ranges: 2, RangesCut: 1, Shards: 2, SamplesRead: 4})
	step(events.TaskShard)
	check("one shard scored", run.StateScoring, run.Progress{
		Ranges: 2, RangesCut: 1, Shards: 2, ShardsScored: 1, SamplesRead: 4, SamplesDone: 3,
	})
	step(events.TaskShard)
	check("one range scored", run.StateScoring, run.Progress{
		Ranges: 2, RangesCut: 1, RangesScored: 1, Shards: 2, ShardsScored: 2, SamplesRead: 4, SamplesDone: 4,
	})
	f.Finish(plan)
	check("scored", run.StateScored, run.Progress{
		Ranges: 2, RangesCut: 2, RangesScored: 2, Shards: 3, ShardsScored: 3, SamplesRead: 7, SamplesDone: 7,
	})
	if runs, err := f.Runs.Runs(t.Context()); err != nil || !cmp.Equal(runs, []string{plan.Run}) {
		t.Errorf("runs %v, %v", runs, err)
	}
}

func TestNoRun(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	ctx := t.Context()
	for _, id := range []string{"demo-0123456789ab", "../x", ""} {
		calls := map[string]func() error{
			"status":  func() error { _, err := f.Runs.Status(ctx, id); return err },
			"plan":    func() error { _, err := f.Runs.Plan(ctx, id); return err },
			"resume":  func() error { return f.Worker.Resume(ctx, id, false) },
			"retry":   func() error { _, err := f.Retry(id); return err },
			"cancel":  func() error { return f.Worker.Cancel(ctx, id) },
			"approve": func() error { return f.Worker.Approve(ctx, id) },
			"select": func() error {
				_, err := f.Subsets.Select(ctx, id, selection.Request{}, run.Allowance{})
				return err
			},
			"cut":   func() error { _, err := f.Worker.CutRange(ctx, events.RangeTask{Run: id}, "d"); return err },
			"score": func() error { _, err := f.Worker.ScoreShard(ctx, events.ShardTask{Run: id}, "d"); return err },
			"part":  func() error { return f.Subsets.WritePart(ctx, events.PartTask{Run: id}) },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, run.ErrNoRun) {
				t.Errorf("%s of run %q: error %v, want ErrNoRun", name, id, err)
			}
		}
	}
}

// A selection is listed only when it can be read, so not while its picks are written.
func TestSelectionBeingMade(t *testing.T) {
	t.Parallel()
	f, plan := undisturbed(t)
	before := f.Status(plan.Run).Selections
	err := f.Work.Create(t.Context(), "runs/"+plan.Run+"/selections/0123456789ab/picks.parquet",
		func(io.Writer) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, f.Status(plan.Run).Selections); diff != "" || len(before) == 0 {
		t.Errorf("selections (-before +after):\n%s", diff)
	}
}

// TestTaskOfNothing delivers tasks that can never succeed. They must not be redelivered.
func TestTaskOfNothing(t *testing.T) {
	t.Parallel()
	f, plan := undisturbed(t)
	ctx := t.Context()
	id := f.Status(plan.Run).Selections[0]
	tests := map[string]func() error{
		"range after the last": func() error {
			_, err := f.Worker.CutRange(ctx, events.RangeTask{Run: plan.Run, Range: 99}, "d")
			return err
		},
		"range before the first": func() error {
			_, err := f.Worker.CutRange(ctx, events.RangeTask{Run: plan.Run, Range: -1}, "d")
			return err
		},
		"shard of no range": func() error {
			_, err := f.Worker.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Range: 99}, "d")
			return err
		},
		"shard after the last": func() error {
			_, err := f.Worker.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Shard: 99}, "d")
			return err
		},
		"shard before the first": func() error {
			_, err := f.Worker.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Shard: -1}, "d")
			return err
		},
		"part of no range": func() error {
			return f.Subsets.WritePart(ctx, events.PartTask{Run: plan.Run, Selection: id, Range: 99})
		},
		"part of no selection": func() error {
			return f.Subsets.WritePart(ctx, events.PartTask{Run: plan.Run, Selection: "0123456789ab"})
		},
	}
	before := f.Snapshot()
	for name, call := range tests {
		if err := call(); !events.IsDataError(err) {
			t.Errorf("%s: error %v, want a permanent error", name, err)
		}
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// errDown is the error of a scorer's service that fails.
var errDown = errors.New("the scorer's service is down")

// failures is the number of attempts at a task that fail before it is given up.
const failures = 20

// stalled returns a fixture with a run of 12 valid samples and an invalid one, in which the shard of the
// samples a00, hollow and a01 was given up.
func stalled(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(slices.Insert(runtest.Plain("a", 12), 1, `{"id": "hollow"}`)))
	plan := f.Begin("datasets/demo/a.json")
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID == "a00" {
			return errDown
		}
		return nil
	}
	drainFailing(t, f, errDown)
	return f, plan
}

// drainFailing delivers all messages, and redelivers failing messages until they are given up.
func drainFailing(t *testing.T, f *runtest.Fixture, expected error) {
	t.Helper()
	for len(f.Queue) > 0 {
		d := f.Take(0)
		if err := f.Deliver(d); errors.Is(err, expected) {
			f.Queue = append(f.Queue, d)
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStalled(t *testing.T) {
	t.Parallel()
	f, plan := stalled(t)
	dead := []run.DeadLetter{{
		Range: 0, Shard: 0, Attempts: failures, Reason: errDown.Error(),
	}}
	check := func(doing, state string, want []run.DeadLetter) {
		t.Helper()
		st := f.Status(plan.Run)
		if diff := cmp.Diff(want, st.DeadLetters); st.State != state || diff != "" {
			t.Errorf("%s: state %s, want %s; dead (-want +got):\n%s", doing, st.State, state, diff)
		}
	}
	check("recorded", run.StateStalled, dead)
	if len(f.EventIDs(events.RunScored)) > 0 {
		t.Error("a stalled run was announced as scored")
	}

	// Each resume begins a wave of attempts, which may fail, too.
	for range 2 {
		if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
			t.Fatal(err)
		}
		check("resumed", run.StateScoring, nil)
		drainFailing(t, f, errDown)
		check("recorded again", run.StateStalled, dead)
	}

	f.Scorer.Before = nil
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(plan); counts.Scored != 12 {
		t.Errorf("counts %+v, want all valid samples scored", counts)
	}
	check("fixed", run.StateScored, nil)
	for id, n := range f.Scorer.Counts() {
		if n != 1 {
			t.Errorf("sample %s was rated %d times", id, n)
		}
	}
}

// An attempt that fails after another wave has begun publishes its task in that wave.
func TestResumedWhileAtWork(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 12)))
	plan := f.Begin("datasets/demo/a.json")
	resumed := 0
	f.Scorer.Before = func(s *dataset.Sample) error {
		if s.ID != "a00" || resumed > 0 {
			return nil
		}
		resumed++
		return errors.Join(f.Worker.Resume(t.Context(), plan.Run, false), errDown)
	}
	drainFailing(t, f, errDown)
	if counts := f.Account(plan); counts.Scored != 12 || resumed != 1 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	f, plan := stalled(t)
	if err := f.Worker.Resume(t.Context(), plan.Run, true); err != nil {
		t.Fatal(err)
	}
	counts := f.Finish(plan)
	if diff := cmp.Diff(events.Counts{In: 13, Scored: 10, Failed: 3}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[reason.Code]int64{run.GivenUp: 2, dataset.NoConversation: 1},
		f.Status(plan.Run).Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	rec := f.Records(plan)["a00"]
	if rec.Status != scores.Failed || !strings.Contains(rec.Reason, "20 attempts") ||
		!strings.Contains(rec.Reason, "service is down") {
		t.Errorf("sample a00 is %v with reason %q", rec.Status, rec.Reason)
	}

	// A retry tries samples again that were given up.
	f.Scorer.Before = nil
	next, err := f.Retry(plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(next); counts.Scored != 12 {
		t.Errorf("counts of the retry %+v, want all valid samples scored", counts)
	}
}

func TestDeadRange(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 12)))
	calm := f.Input
	plan := f.Begin("datasets/demo/a.json")
	f.Input = &stormy{Reader: calm, open: func(name string) bool { return strings.HasPrefix(name, "datasets/") }}
	f.Restart()
	drainFailing(t, f, errStorm)
	st := f.Status(plan.Run)
	if st.State != run.StateStalled || len(st.DeadLetters) != len(plan.Ranges) || st.DeadLetters[0].Shard != -1 {
		t.Errorf("state %s with dead %v, want stalled at all ranges", st.State, st.DeadLetters)
	}
	if err := f.Worker.Resume(t.Context(), plan.Run, true); err == nil ||
		!strings.Contains(err.Error(), "resume without giving up") {
		t.Errorf("giving up a range: error %v, want an error that names the fix", err)
	}
	f.Input = calm
	f.Restart()
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(plan); counts.Scored != 12 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// A range is also given up if cutting it crashes the process each time.
func TestRangeThatKills(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.OneMachine = true
	f.Restart()
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 2)))
	plan := f.Begin("datasets/demo/a.json")
	task := f.Take(0)
	for range failures {
		dieWith(t, f, task)
	}
	if err := f.Deliver(task); err != nil {
		t.Fatal(err)
	}
	st := f.Status(plan.Run)
	if st.State != run.StateStalled || len(st.DeadLetters) != 1 || st.DeadLetters[0].Attempts != failures {
		t.Errorf("state %s with dead %v", st.State, st.DeadLetters)
	}
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(plan); counts.Scored != 2 {
		t.Errorf("counts %+v, want both scored", counts)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	f := newMixed(t)
	plan := f.Begin(mixedManifest)
	if err := f.Deliver(f.Take(0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Worker.Cancel(t.Context(), plan.Run); err != nil {
			t.Fatal(err)
		}
	}
	before := f.Snapshot()
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Arrive(mixedManifest); err != nil {
		t.Error(err)
	}
	for name, refused := range map[string]error{
		"resume":  f.Worker.Resume(t.Context(), plan.Run, false),
		"approve": f.Worker.Approve(t.Context(), plan.Run),
	} {
		if reason := runtest.Refusal(t, refused); !strings.Contains(reason, "was cancelled") {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" || len(f.Queue) > 0 {
		t.Errorf("a cancelled run continued: %d messages; objects (-before +after):\n%s", len(f.Queue), diff)
	}
	if st := f.Status(plan.Run); st.State != run.StateCancelled || len(f.Scorer.Counts()) > 0 {
		t.Errorf("state %s, %v rated; want cancelled and none", st.State, f.Scorer.Counts())
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	f := newMixed(t)
	f.Limits.CostPerMillion, f.Limits.MaxRunCost = run.Prices{runtest.Kind: 1e6}, 11 // a dollar for each of the 12 samples
	plan := f.Begin(mixedManifest)
	if st := f.Status(plan.Run); st.State != run.StateAwaitingApproval || st.EstimatedCost != 12 {
		t.Errorf("state %s at %v dollars, want awaiting-approval at 12", st.State, st.EstimatedCost)
	}
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Worker.CutRange(t.Context(), events.RangeTask{Run: plan.Run}, "early"); err != nil {
		t.Fatal(err)
	}
	// Without the objects of planning: the acceptance, the request, the plan, and the record of the published event.
	got := slices.DeleteFunc(f.Objects("runs/"), func(name string) bool { return strings.Contains(name, "/planning/") })
	if len(f.Queue) > 0 || len(got) != 4 {
		t.Errorf("before approval there are %d messages and the objects %v", len(f.Queue), got)
	}
	if err := f.Worker.Approve(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	if st := f.Status(plan.Run); st.State != run.StateScoring {
		t.Errorf("approved: state %s", st.State)
	}
	f.Finish(plan)
	if st := f.Status(plan.Run); st.State != run.StateScored {
		t.Errorf("in the end: state %s", st.State)
	}

	cheap := newMixed(t)
	cheap.Limits.CostPerMillion, cheap.Limits.MaxRunCost = run.Prices{runtest.Kind: 1e6}, 12
	if st := cheap.Status(cheap.Begin(mixedManifest).Run); st.State != run.StateScoring {
		t.Errorf("a run at the limit: state %s, want scoring", st.State)
	}
}

func TestLimitsValidate(t *testing.T) {
	t.Parallel()
	if err := runtest.Limits().Validate(); err != nil {
		t.Errorf("valid limits: %v", err)
	}
	invalid := run.Limits{ShardSamples: -1, MaxRunCost: -1}
	err := invalid.Validate()
	if err == nil {
		t.Fatal("invalid limits were accepted")
	}
	for _, name := range []string{
		"MAX_RECORD_BYTES", "MAX_IMAGE_BYTES", "MAX_IMAGE_PIXELS", "MAX_DECODED_BYTES",
		"MAX_SAMPLE_IMAGES", "MAX_SAMPLE_IMAGE_BYTES", "PLAN_BYTES", "RANGE_BYTES",
		"SHARD_SAMPLES: -1", "SHARD_BYTES", "MAX_RUN_COST: -1",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error lacks %s:\n%v", name, err)
		}
	}
}
