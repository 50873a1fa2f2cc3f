package run

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestLargeNumbers finds objects whose numbers have outgrown the zeros in their names.
func TestLargeNumbers(t *testing.T) {
	t.Parallel()
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const (
		id, selection = "demo-0123456789ab", "0123456789ab"
		ranges        = 12_346
	)
	for _, name := range []string{
		rangeScoresName(id, 7), rangeScoresName(id, ranges-1), shardScoresName(id, 7, 12_345_678), shardScoresName(id, 7, 0),
		subsetPartName(id, selection, 7), rejectedPartName(id, selection, 7), subsetPartName(id, selection, ranges-1),
	} {
		if err := work.Create(t.Context(), name, func(io.Writer) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	s := &Store{Work: work}
	scored, err := s.numbers(t.Context(), scoresPrefix(id), ".parquet")
	if diff := cmp.Diff(map[int]bool{7: true, ranges - 1: true}, scored); err != nil || diff != "" {
		t.Errorf("ranges with scores: %v (-want +got):\n%s", err, diff)
	}
	shards, err := s.scoredShards(t.Context(), id, 7)
	if diff := cmp.Diff(map[int]bool{0: true, 12_345_678: true}, shards); err != nil || diff != "" {
		t.Errorf("shards with scores: %v (-want +got):\n%s", err, diff)
	}
	written, err := s.writtenParts(t.Context(), &Plan{Run: id, Ranges: make([]Range, ranges)}, selection)
	if err != nil {
		t.Fatal(err)
	}
	for r, n := range written {
		if want := map[int]int{7: 2, ranges - 1: 1}[r]; n != want {
			t.Errorf("range %d has %d parts, want %d", r, n, want)
		}
	}
}
