package run

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// TestVersionsInID plans equal input with versions of Harvest that have other layouts, or that read records
// differently. No version finds the run of another version.
func TestVersionsInID(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, plan := range []Plan{
		{Dataset: "demo", Layout: LayoutVersion, Reading: dataset.ReadingVersion},
		{Dataset: "demo", Layout: LayoutVersion - 1, Reading: dataset.ReadingVersion},
		{Dataset: "demo", Layout: LayoutVersion, Reading: dataset.ReadingVersion - 1},
	} {
		if err := plan.identify(); err != nil {
			t.Fatal(err)
		}
		ids[plan.Run] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids %v of runs of three versions", ids)
	}
}

// TestLargeNumbers finds objects whose numbers have more digits than the names are padded to.
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
		RangeScoresName(id, 7), RangeScoresName(id, ranges-1), shardScoresName(id, 7, 12_345_678), shardScoresName(id, 7, 0),
		shardScoresName(id, 1000, 0), shardScoresName(id, 1001, 1), shardScoresName(id, 10_000, 2),
		shardScoresName(id, 10_001, 3),
	} {
		if _, err := bucket.CreateBytes(t.Context(), work, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(work, DefaultCacheBytes)
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
	rated, err := r.ratedShards(t.Context(), id, []int{6, 7, 8, 1001, 1002, 10_000, 12_345})
	want := map[int][]int{7: {0, 12_345_678}, 1001: {1}, 10_000: {2}}
	if diff := cmp.Diff(want, rated); err != nil || diff != "" {
		t.Errorf("shards with scores of some ranges: %v (-want +got):\n%s", err, diff)
	}
}

// TestBegunShards finds the shards of some ranges that have an attempt without a recorded end.
func TestBegunShards(t *testing.T) {
	t.Parallel()
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const id = "demo-0123456789ab"
	for _, name := range []string{
		"0003/0000000.0.1", "0003/0000001.0.1", "0003/0000001.0.1.failed", "0003/0000002.0.1", "0003/0000002.0.1.waited",
		"0003/0000002.1.2", "0004/0000000.0.1", "0009/0000007.0.10", "0009/0000007.0.10.failed", "0009/0000008.0.1",
	} {
		if _, err := bucket.CreateBytes(t.Context(), work, shardAttemptsPrefix(id)+name, nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(work, DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := r.begunShards(t.Context(), id, []int{1, 3, 9, 10})
	if diff := cmp.Diff(map[int][]int{3: {0, 2}, 9: {8}}, begun); err != nil || diff != "" {
		t.Errorf("shards at work: %v (-want +got):\n%s", err, diff)
	}
	if got, want := attemptsPrefix(id, task{3, 1}), shardAttemptsPrefix(id)+"0003/0000001."; got != want {
		t.Errorf("attempts are named %s, want %s", got, want)
	}
}
