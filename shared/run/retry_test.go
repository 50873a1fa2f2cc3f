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
	"github.com/harvest-ml/harvest/shared/scores"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	records := append(mixed(), record("p1", "Late.", "p1.png"), record("p2", "Later.", "p2.png"))
	const manifest = "datasets/demo/a.json"
	w.upload(manifest, array(records))
	first := w.start(manifest)
	if _, err := w.store.Retry(t.Context(), first.Run); !errors.Is(err, run.ErrNotScored) {
		t.Errorf("retrying a run that is not scored: error %v, want ErrNotScored", err)
	}
	if diff := cmp.Diff(events.Counts{In: 14, Scored: 9, Failed: 4, Skipped: 1}, w.finish(first)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	ratedBefore := w.rater.counts()
	if err := w.store.Cancel(t.Context(), first.Run); err == nil || !strings.Contains(err.Error(), "nothing left to cancel") {
		t.Errorf("cancelling a scored run: error %v", err)
	}

	w.upload("images/demo/p1.png", pngImage(t, 8, 8))
	w.restart()
	second, err := w.store.Retry(t.Context(), first.Run)
	if err != nil {
		t.Fatal(err)
	}
	if second.Run == first.Run || second.Attempt != 1 || second.Reuse != first.Run {
		t.Errorf("retry is attempt %d, run %s, reusing %s", second.Attempt, second.Run, second.Reuse)
	}
	if diff := cmp.Diff(events.Counts{In: 14, Scored: 10, Failed: 3, Skipped: 1}, w.finish(second)); diff != "" {
		t.Errorf("counts of the retry (-want +got):\n%s", diff)
	}
	var rated []string
	for id, n := range w.rater.counts() {
		if n > ratedBefore[id] {
			rated = append(rated, id)
		}
	}
	slices.Sort(rated)
	// The scorer could not rate `bad`, so it is asked again; `p2` has no image still.
	if diff := cmp.Diff([]string{"bad", "p1"}, rated); diff != "" {
		t.Errorf("samples rated by the retry (-want +got):\n%s", diff)
	}
	earlier := w.records(first)
	for id, rec := range w.records(second) {
		if diff := cmp.Diff(earlier[id], rec); id != "p1" && diff != "" {
			t.Errorf("scores of %s (-first +retry):\n%s", id, diff)
		}
	}

	w.restart()
	again, err := w.store.Retry(t.Context(), first.Run)
	if err != nil || again.Run != second.Run {
		t.Errorf("the same retry again is run %v, %v; want %s", again, err, second.Run)
	}
	if again := w.start(manifest); again.Run != second.Run {
		t.Errorf("the same upload again is run %s, want the last attempt %s", again.Run, second.Run)
	}
	if len(w.queue) > 0 {
		t.Errorf("%d messages for what is done", len(w.queue))
	}
}

func TestRetryTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array([]string{record("a", "Fine."), record("p", "Late.", "p.png")}))
	first := w.start("datasets/demo/a.json")
	w.finish(first)
	second, err := w.store.Retry(t.Context(), first.Run)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(second)
	w.upload("images/demo/p.png", pngImage(t, 8, 8))
	third, err := w.store.Retry(t.Context(), second.Run)
	if err != nil {
		t.Fatal(err)
	}
	if counts := w.finish(third); third.Attempt != 2 || counts.Scored != 2 {
		t.Errorf("attempt %d has counts %+v, want all scored by attempt 2", third.Attempt, counts)
	}
	if diff := cmp.Diff(map[string]int{"a": 1, "p": 1}, w.rater.counts()); diff != "" {
		t.Errorf("ratings of each sample (-want +got):\n%s", diff)
	}
}

func TestRetryOfChangedManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("datasets/demo/a.json", array(plain("a", 2)))
	plan := w.start("datasets/demo/a.json")
	w.finish(plan)
	w.upload("datasets/demo/a.json", array(plain("b", 2)))
	_, err := w.store.Retry(t.Context(), plan.Run)
	if want := fmt.Sprintf("datasets/demo/a.json has changed since run %s: start the dataset again with `reuse: %s`", plan.Run, plan.Run); refusal(t, err) != want {
		t.Errorf("reason %q, want %q", refusal(t, err), want)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	old := append(plain("a", 9), record("p", "Fine.", "p.png"), record("bad", unratable))
	changed := slices.Clone(old)
	changed[4] = record("a04", "Another answer.")
	changed = slices.Insert(changed, 3, record("new1", "Inserted."), record("new2", "Inserted too."))

	tests := []struct {
		name   string
		change func(*world)
		rated  []string // by the new run
	}{
		{"records inserted and changed", func(*world) {}, []string{"a04", "bad", "new1", "new2"}},
		{"image changed", func(w *world) { w.upload("images/demo/p.png", pngImage(w.t, 9, 9)) }, []string{"a04", "bad", "new1", "new2", "p"}},
		{"other scorer", func(w *world) { w.rater.id = "fake-2" }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.upload("images/demo/p.png", pngImage(t, 8, 8))
			w.upload("datasets/demo/parts/v1.json", array(old))
			w.upload("datasets/demo/parts/v2.json", array(changed))
			first, err := w.store.Start(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"parts/v1.json"}}, w.limits)
			if err != nil {
				t.Fatal(err)
			}
			w.finish(first)
			test.change(w)
			w.rater.rated = map[string]int{}
			w.restart()
			spec := run.Spec{Dataset: "demo", Manifests: []string{"parts/v2.json"}, Reuse: first.Run}
			second, err := w.store.Start(t.Context(), spec, w.limits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(events.Counts{In: 13, Scored: 12, Failed: 1}, w.finish(second)); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			rated := []string{}
			for id := range w.rater.counts() {
				rated = append(rated, id)
			}
			slices.Sort(rated)
			if test.rated == nil {
				if len(rated) != 13 {
					t.Errorf("%v were rated, want all", rated)
				}
				return
			}
			if diff := cmp.Diff(test.rated, rated); diff != "" {
				t.Errorf("samples rated (-want +got):\n%s", diff)
			}
			earlier := w.records(first)
			for id, rec := range w.records(second) {
				if slices.Contains(rated, id) {
					continue
				}
				if diff := cmp.Diff(earlier[id], rec, cmpopts.IgnoreFields(scores.Record{}, "Range", "Position")); diff != "" {
					t.Errorf("scores of %s (-earlier +taken over):\n%s", id, diff)
				}
			}
		})
	}
}

// TestReuseOfAnUnfinishedRun takes over what there is.
func TestReuseOfAnUnfinishedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload("datasets/demo/parts/v1.json", array(plain("a", 12)))
	w.upload("datasets/demo/parts/v2.json", array(plain("a", 11)))
	first, err := w.store.Start(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"parts/v1.json"}}, w.limits)
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("the scorer is gone")
	w.rater.before = func(s *dataset.Sample) error {
		if s.ID == "a11" {
			return lost
		}
		return nil
	}
	if err := w.drain(); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	w.queue = nil
	w.pass(time.Hour)
	done := len(w.rangeScores(first, 0))
	w.rater.rated = map[string]int{}
	second, err := w.store.Start(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"parts/v2.json"}, Reuse: first.Run}, w.limits)
	if err != nil {
		t.Fatal(err)
	}
	if counts := w.finish(second); counts.Scored != 11 || len(w.rater.counts()) > 11-done {
		t.Errorf("counts %+v; %d were rated, and %d had scores", counts, len(w.rater.counts()), done)
	}
}
