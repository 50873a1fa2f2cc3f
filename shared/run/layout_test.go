package run

import (
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
		id     = "demo-0123456789ab"
		ranges = 12_346
	)
	for _, name := range []string{
		rangeScoresName(id, 7), rangeScoresName(id, ranges-1), shardScoresName(id, 7, 12_345_678), shardScoresName(id, 7, 0),
	} {
		if _, err := bucket.CreateBytes(t.Context(), work, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(work)
	if err != nil {
		t.Fatal(err)
	}
	scored, err := bucket.Numbers(t.Context(), work, scoresPrefix(id), ".parquet")
	if diff := cmp.Diff(map[int]bool{7: true, ranges - 1: true}, scored); err != nil || diff != "" {
		t.Errorf("ranges with scores: %v (-want +got):\n%s", err, diff)
	}
	shards, err := r.scoredShards(t.Context(), id, 7)
	if diff := cmp.Diff(map[int]bool{0: true, 12_345_678: true}, shards); err != nil || diff != "" {
		t.Errorf("shards with scores: %v (-want +got):\n%s", err, diff)
	}
}
