package local_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// TestSlots runs a dataset that waits for its scorer, and a large dataset with another scorer. Neither delays a small
// dataset: the small dataset is completed while both are unfinished.
func TestSlots(t *testing.T) {
	t.Parallel()
	manifest := func(name string, samples int) []byte {
		var records []string
		for i := range samples {
			records = append(records, runtest.Record(fmt.Sprintf("%s-%d", name, i), "Nothing but good."))
		}
		return runtest.Lines(records)
	}
	entries := map[string]bucket.Content{}
	for name, samples := range map[string]int{"away": 100, "large": 2400, "small": 100} {
		kind := kinds.Embedded
		if name == "away" {
			kind = kinds.LLM
		}
		entries["datasets/"+name+"/parts/all.jsonl"] = bucket.Literal(manifest(name, samples))
		entries["datasets/"+name+"/dataset.yaml"] = bucket.Literal(
			[]byte("manifests: [parts/all.jsonl]\nbudget: 30%\nscorer: " + kind + "\n"))
	}
	input, err := bucket.NewView(entries)
	if err != nil {
		t.Fatal(err)
	}
	release, waiting := make(chan struct{}), make(chan string, 1000)
	rater := &runtest.Scorer{Name: "fake-1", Rated: map[string]int{}, Before: func(sample *dataset.Sample) error {
		name, _, _ := strings.Cut(sample.ID, "-")
		if name == "small" {
			return nil
		}
		select {
		case waiting <- name:
		default:
		}
		select {
		case <-release:
			return nil
		case <-t.Context().Done():
			return t.Context().Err()
		}
	}}
	open := func(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) { return rater.For(r), nil }
	s := start(t, local.Options{Input: input, OpenScorer: open})
	upload := func(name string) {
		if err := s.Upload(t.Context(), "datasets/"+name+"/dataset.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	upload("away")
	upload("large")
	for seen := map[string]bool{}; len(seen) < 2; {
		seen[<-waiting] = true
	}
	upload("small")
	until(t, "the selection of the small dataset", func() bool { return len(s.ids(events.SelectionCompleted)) == 1 })
	close(release)
	until(t, "all", func() bool { return len(s.ids(events.SelectionCompleted)) == 3 })
}
