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
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

func TestStatusOnTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limits.RangeBytes = 1 << 20
	records := plain("a", 7)
	first, second := array(records[:4]), array(records[4:])
	w.upload("datasets/demo/parts/1.json", first)
	w.upload("datasets/demo/parts/2.json", second)
	w.upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/1.json, parts/2.json]"))
	plan := w.start("datasets/demo/dataset.yaml")
	check := func(doing, state string, want run.Progress) {
		t.Helper()
		st := w.status(plan.Run)
		if st.State != state || st.Samples.In != 7 || st.Scorer != "fake" || st.ScorerID != "fake-1" || st.Rubric != plan.Rubric.Hash() {
			t.Errorf("%s: status %+v, want state %s", doing, st, state)
		}
		if diff := cmp.Diff(want, st.Progress); diff != "" {
			t.Errorf("%s: progress (-want +got):\n%s", doing, diff)
		}
	}
	step := func(kind string) {
		t.Helper()
		if err := w.deliver(w.takeTask(kind)); err != nil {
			t.Fatal(err)
		}
	}
	check("planned", run.StateScoring, run.Progress{Ranges: 2})
	step(events.TaskRange)
	check("one range cut", run.StateScoring, run.Progress{Ranges: 2, RangesCut: 1, Shards: 2, SamplesRead: 4})
	step(events.TaskShard)
	check("one shard scored", run.StateScoring, run.Progress{Ranges: 2, RangesCut: 1, Shards: 2, ShardsScored: 1, SamplesRead: 4, SamplesDone: 3})
	step(events.TaskShard)
	check("one range scored", run.StateScoring,
		run.Progress{Ranges: 2, RangesCut: 1, RangesScored: 1, Shards: 2, ShardsScored: 2, SamplesRead: 4, SamplesDone: 4})
	w.finish(plan)
	check("scored", run.StateScored,
		run.Progress{Ranges: 2, RangesCut: 2, RangesScored: 2, Shards: 3, ShardsScored: 3, SamplesRead: 7, SamplesDone: 7})
	if runs, err := w.store.Runs(t.Context()); err != nil || !cmp.Equal(runs, []string{plan.Run}) {
		t.Errorf("runs %v, %v", runs, err)
	}
}

func TestNoRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for _, id := range []string{"demo-0123456789ab", "../x", ""} {
		calls := map[string]func() error{
			"status":  func() error { _, err := w.store.Status(ctx, id); return err },
			"plan":    func() error { _, err := w.store.Plan(ctx, id); return err },
			"resume":  func() error { return w.store.Resume(ctx, id, false) },
			"retry":   func() error { _, err := w.store.Retry(ctx, id); return err },
			"cancel":  func() error { return w.store.Cancel(ctx, id) },
			"approve": func() error { return w.store.Approve(ctx, id) },
			"select":  func() error { _, err := w.store.Select(ctx, id, selection.Request{}); return err },
			"bury":    func() error { return w.store.Bury(ctx, id, run.Dead{}) },
			"cut":     func() error { return w.store.CutRange(ctx, events.RangeTask{Run: id}, "d") },
			"score":   func() error { _, err := w.store.ScoreShard(ctx, events.ShardTask{Run: id}, 1, "d"); return err },
			"part":    func() error { return w.store.WritePart(ctx, events.PartTask{Run: id}) },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, run.ErrNoRun) {
				t.Errorf("%s of run %q: error %v, want ErrNoRun", name, id, err)
			}
		}
	}
}

// A selection that is listed can be read: one whose picks are being written is not, yet.
func TestSelectionBeingMade(t *testing.T) {
	t.Parallel()
	w, plan := undisturbed(t)
	before := w.status(plan.Run).Selections
	err := w.work.Create(t.Context(), "runs/"+plan.Run+"/selections/0123456789ab/picks.parquet", func(io.Writer) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, w.status(plan.Run).Selections); diff != "" || len(before) == 0 {
		t.Errorf("selections (-before +after):\n%s", diff)
	}
}

// TestTaskOfNothing delivers tasks that can never succeed: they must not be delivered again.
func TestTaskOfNothing(t *testing.T) {
	t.Parallel()
	w, plan := undisturbed(t)
	ctx := t.Context()
	id := w.status(plan.Run).Selections[0]
	tests := map[string]func() error{
		"range behind the last": func() error { return w.store.CutRange(ctx, events.RangeTask{Run: plan.Run, Range: 99}, "d") },
		"range before the first": func() error {
			return w.store.CutRange(ctx, events.RangeTask{Run: plan.Run, Range: -1}, "d")
		},
		"shard of no range": func() error {
			_, err := w.store.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Range: 99}, 1, "d")
			return err
		},
		"shard behind the last": func() error {
			_, err := w.store.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Shard: 99}, 1, "d")
			return err
		},
		"shard before the first": func() error {
			_, err := w.store.ScoreShard(ctx, events.ShardTask{Run: plan.Run, Shard: -1}, 1, "d")
			return err
		},
		"part of no range": func() error {
			return w.store.WritePart(ctx, events.PartTask{Run: plan.Run, Selection: id, Range: 99})
		},
		"part of no selection": func() error {
			return w.store.WritePart(ctx, events.PartTask{Run: plan.Run, Selection: "0123456789ab"})
		},
	}
	before := w.snapshot()
	for name, call := range tests {
		if err := call(); !events.IsDataError(err) {
			t.Errorf("%s: error %v, want one of the data", name, err)
		}
	}
	if diff := cmp.Diff(before, w.snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// stalled is a world with a run of 12 sound samples and a faulty one, in which the shard of the
// samples a00, hollow and a01 was given up.
func stalled(t *testing.T) (*world, *run.Plan) {
	t.Helper()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array(slices.Insert(plain("a", 12), 1, `{"id": "hollow"}`)))
	plan := w.start("datasets/demo/a.json")
	down := errors.New("the scorer's service is down")
	w.rater.before = func(s *dataset.Sample) error {
		if s.ID == "a00" {
			return down
		}
		return nil
	}
	for len(w.queue) > 0 {
		d := w.take(0)
		switch err := w.deliver(d); {
		case errors.Is(err, down):
			task := decode[events.ShardTask](t, d)
			if err := w.store.Bury(t.Context(), plan.Run, run.Dead{Range: task.Range, Shard: task.Shard, Attempts: 100, Reason: down.Error()}); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		}
	}
	return w, plan
}

func TestStalled(t *testing.T) {
	t.Parallel()
	w, plan := stalled(t)
	dead := []run.Dead{{Range: 0, Shard: 0, Attempts: 100, Reason: "the scorer's service is down"}}
	check := func(doing, state string, want []run.Dead) {
		t.Helper()
		st := w.status(plan.Run)
		if diff := cmp.Diff(want, st.Dead); st.State != state || diff != "" {
			t.Errorf("%s: state %s, want %s; dead (-want +got):\n%s", doing, st.State, state, diff)
		}
	}
	check("buried", run.StateStalled, dead)
	if len(w.eventIDs(events.RunScored)) > 0 {
		t.Error("a stalled run was announced as scored")
	}

	// Each resume begins a wave of attempts, which may be in vain too.
	for range 2 {
		if err := w.store.Resume(t.Context(), plan.Run, false); err != nil {
			t.Fatal(err)
		}
		check("resumed", run.StateScoring, nil)
		w.take(0)
		if err := w.store.Bury(t.Context(), plan.Run, dead[0]); err != nil {
			t.Fatal(err)
		}
		check("buried again", run.StateStalled, dead)
	}

	w.rater.before = nil
	if err := w.store.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if counts := w.finish(plan); counts.Scored != 12 {
		t.Errorf("counts %+v, want all sound samples scored", counts)
	}
	check("mended", run.StateScored, nil)
	for id, n := range w.rater.counts() {
		if n != 1 {
			t.Errorf("sample %s was rated %d times", id, n)
		}
	}
}

func TestDeadShardScoredAfterAll(t *testing.T) {
	t.Parallel()
	w, plan := stalled(t)
	w.rater.before = nil
	if _, err := w.store.ScoreShard(t.Context(), events.ShardTask{Run: plan.Run}, 100, "late"); err != nil {
		t.Fatal(err)
	}
	w.finish(plan)
	if st := w.status(plan.Run); st.State != run.StateScored || len(st.Dead) > 0 {
		t.Errorf("state %s with dead %v, want scored", st.State, st.Dead)
	}
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	w, plan := stalled(t)
	if err := w.store.Resume(t.Context(), plan.Run, true); err != nil {
		t.Fatal(err)
	}
	counts := w.finish(plan)
	if diff := cmp.Diff(events.Counts{In: 13, Scored: 10, Failed: 3}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{run.GivenUp: 2, dataset.NoConversation: 1}, w.status(plan.Run).Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	rec := w.records(plan)["a00"]
	if rec.Status != scores.Failed || !strings.Contains(rec.Reason, "100 attempts") || !strings.Contains(rec.Reason, "service is down") {
		t.Errorf("sample a00 is %v with reason %q", rec.Status, rec.Reason)
	}

	// What was given up is tried again by a retry.
	w.rater.before = nil
	next, err := w.store.Retry(t.Context(), plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	if counts := w.finish(next); counts.Scored != 12 {
		t.Errorf("counts of the retry %+v, want all sound samples scored", counts)
	}
}

func TestDeadRange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array(plain("a", 12)))
	plan := w.start("datasets/demo/a.json")
	lost := w.take(0)
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Bury(t.Context(), plan.Run, run.Dead{Range: 0, Shard: -1, Attempts: 100, Reason: "bucket unreachable"}); err != nil {
		t.Fatal(err)
	}
	if st := w.status(plan.Run); st.State != run.StateStalled || len(st.Dead) != 1 || st.Dead[0].Shard != -1 {
		t.Errorf("state %s with dead %v, want stalled at a range", st.State, st.Dead)
	}
	if err := w.store.Resume(t.Context(), plan.Run, true); err == nil || !strings.Contains(err.Error(), "resume without giving up") {
		t.Errorf("giving up a range: error %v, want one that says what to do", err)
	}
	if err := w.store.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lost.Message, w.queue[0].Message); diff != "" || len(w.queue) != 1 {
		t.Errorf("%d messages; the first (-want +got):\n%s", len(w.queue), diff)
	}
	if counts := w.finish(plan); counts.Scored != 12 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

func TestDeadRangeCutAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array(plain("a", 12)))
	plan := w.start("datasets/demo/a.json")
	if err := w.store.Bury(t.Context(), plan.Run, run.Dead{Shard: -1}); err != nil {
		t.Fatal(err)
	}
	if err := w.deliver(w.take(0)); err != nil {
		t.Fatal(err)
	}
	if st := w.status(plan.Run); st.State != run.StateScoring || len(st.Dead) > 0 {
		t.Errorf("state %s with dead %v, want scoring", st.State, st.Dead)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newMixed(t)
	plan := w.start(mixedManifest)
	if err := w.deliver(w.take(0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.store.Cancel(t.Context(), plan.Run); err != nil {
			t.Fatal(err)
		}
	}
	before := w.snapshot()
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	for _, again := range []func() error{
		func() error { return w.store.Bury(t.Context(), plan.Run, run.Dead{}) },
		func() error { _, err := w.arrive(mixedManifest); return err },
	} {
		if err := again(); err != nil {
			t.Error(err)
		}
	}
	for name, refused := range map[string]error{
		"resume":  w.store.Resume(t.Context(), plan.Run, false),
		"approve": w.store.Approve(t.Context(), plan.Run),
	} {
		if reason := refusal(t, refused); !strings.Contains(reason, "was cancelled") {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
	if diff := cmp.Diff(before, w.snapshot()); diff != "" || len(w.queue) > 0 {
		t.Errorf("a cancelled run went on: %d messages; objects (-before +after):\n%s", len(w.queue), diff)
	}
	if st := w.status(plan.Run); st.State != run.StateCancelled || len(w.rater.counts()) > 0 {
		t.Errorf("state %s, %v rated; want cancelled and none", st.State, w.rater.counts())
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	w := newMixed(t)
	w.limits.CostPerMillion, w.limits.MaxRunCost = 1e6, 11 // a dollar for each of the 12 samples
	plan := w.start(mixedManifest)
	if st := w.status(plan.Run); st.State != run.StateAwaitingApproval || st.EstimatedCost != 12 {
		t.Errorf("state %s at %v dollars, want awaiting-approval at 12", st.State, st.EstimatedCost)
	}
	if err := w.store.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if err := w.store.CutRange(t.Context(), events.RangeTask{Run: plan.Run}, "early"); err != nil {
		t.Fatal(err)
	}
	if got := w.objects("runs/"); len(w.queue) > 0 || len(got) != 1 {
		t.Errorf("before approval there are %d messages and the objects %v", len(w.queue), got)
	}
	if err := w.store.Approve(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	if st := w.status(plan.Run); st.State != run.StateScoring {
		t.Errorf("approved: state %s", st.State)
	}
	w.finish(plan)
	if st := w.status(plan.Run); st.State != run.StateScored {
		t.Errorf("in the end: state %s", st.State)
	}

	cheap := newMixed(t)
	cheap.limits.CostPerMillion, cheap.limits.MaxRunCost = 1e6, 12
	if st := cheap.status(cheap.start(mixedManifest).Run); st.State != run.StateScoring {
		t.Errorf("a run at the limit: state %s, want scoring", st.State)
	}
}

func TestLimitsValidate(t *testing.T) {
	t.Parallel()
	if err := limits().Validate(); err != nil {
		t.Errorf("sound limits: %v", err)
	}
	faulty := run.Limits{ShardSamples: -1, CostPerMillion: -1}
	err := faulty.Validate()
	if err == nil {
		t.Fatal("faulty limits were taken")
	}
	for _, name := range []string{
		"MAX_RECORD_BYTES", "MAX_IMAGE_BYTES", "MAX_IMAGE_PIXELS", "RANGE_BYTES", "SHARD_SAMPLES: -1", "SHARD_BYTES", "COST_PER_MILLION",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error lacks %s:\n%v", name, err)
		}
	}
}
