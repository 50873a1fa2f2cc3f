package run_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// trialSpec requests a trial on the records of two manifests, with 30 and 10 records.
func trialSpec(f *runtest.Fixture, limit int64) run.Spec {
	f.Upload("datasets/demo/parts/a.json", runtest.Array(runtest.Plain("a", 30)))
	f.Upload("datasets/demo/parts/b.jsonl", runtest.Lines(runtest.Plain("b", 10)))
	return run.Spec{
		Dataset: "demo", Manifests: []string{"parts/a.json", "parts/b.jsonl"}, Scorer: runtest.Kind, Limit: limit,
	}
}

// TestTrial scores trials on some records of a dataset of several ranges. Each trial has the requested number of
// samples, spread evenly, with their places.
func TestTrial(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for limit, want := range map[int64][]int64{ // elements; for b.jsonl 100 is added
		1: {20}, 2: {10, 30}, 4: {5, 15, 25, 105}, 8: {3, 8, 13, 18, 23, 28, 103, 108}, 40: nil, 1000: nil, 0: nil,
	} {
		f := runtest.New(t)
		f.Limits.RangeBytes = 1000
		f.Restart()
		plan, err := f.Start(trialSpec(f, limit))
		if err != nil {
			t.Fatal(err)
		}
		ids[plan.Run] = true
		counts := f.Finish(plan)
		if want == nil {
			if counts.Scored != 40 || plan.Of != 0 || f.Status(plan.Run).Of != 0 || len(plan.Ranges) < 4 {
				t.Errorf("limit %d: %+v scored of %d in %d ranges, want all 40", limit, counts, plan.Of, len(plan.Ranges))
			}
			continue
		}
		if counts.Scored != limit || plan.Of != 40 || f.Status(plan.Run).Of != 40 {
			t.Errorf("limit %d: %+v scored of %d", limit, counts, plan.Of)
		}
		if diff := cmp.Diff(want, elements(t, f, plan)); diff != "" {
			t.Errorf("limit %d: elements (-want +got):\n%s", limit, diff)
		}
	}
	if len(ids) != 7 {
		t.Errorf("%d runs, want one for each limit", len(ids))
	}
}

// elements returns the places of the samples of a run, in the run's order, and compares them with the plan.
func elements(t *testing.T, f *runtest.Fixture, plan *run.Plan) (all []int64) {
	t.Helper()
	texts := run.Texts{Input: f.Input, Work: f.Work}
	index := int64(0)
	for r := range plan.Ranges {
		before := index
		err := run.EachRecord(t.Context(), texts, plan, r, func(s *dataset.Sample) error {
			if element := plan.Element(index); element != s.Place.Element {
				t.Errorf("sample %d is element %d, and the plan says %d", index, s.Place.Element, element)
			}
			if s.ID != fmt.Sprintf("%s%02d", s.Place.Manifest[:1], s.Place.Element-1) {
				t.Errorf("%s has the id %s", s.Place, s.ID)
			}
			element := s.Place.Element
			if s.Place.Manifest == "b.jsonl" {
				element += 100
			}
			all = append(all, element)
			index++
			return nil
		})
		if err != nil || index-before != plan.RangeSamples(r) || plan.Ranges[r].FirstIndex != before {
			t.Errorf("range %d has %d samples from %d, and the plan %+v: %v", r, index-before, before, plan.Ranges[r], err)
		}
	}
	return all
}

// TestTrialRetry retries a trial. The next attempt has the same records.
func TestTrialRetry(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	records := append(runtest.Plain("a", 9), runtest.Record("p", "Late.", "p.png"))
	f.Upload("datasets/demo/parts/a.json", runtest.Array(records))
	first, err := f.Start(run.Spec{
		Dataset: "demo", Manifests: []string{"parts/a.json"}, Scorer: runtest.Kind, Limit: 6,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(first)
	second, err := f.Retry(first.Run)
	if err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(second); counts.In != 6 || second.Of != 10 {
		t.Errorf("the retry has %+v of %d", counts, second.Of)
	}
	if diff := cmp.Diff(elementsOnly(t, f, first), elementsOnly(t, f, second)); diff != "" {
		t.Errorf("records of the retry (-first +second):\n%s", diff)
	}
}

func elementsOnly(t *testing.T, f *runtest.Fixture, plan *run.Plan) (all []int64) {
	t.Helper()
	texts := run.Texts{Input: f.Input, Work: f.Work}
	for r := range plan.Ranges {
		if err := run.EachRecord(t.Context(), texts, plan, r, func(s *dataset.Sample) error {
			all = append(all, s.Place.Element)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
