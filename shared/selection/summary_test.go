package selection

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	pool := smallPool(t)
	got := Summarize(pool, []uint32{2, 0}, 1)
	got.Random = Portrait{}
	want := Summary{
		Pool: Portrait{
			Samples: 3,
			Ratings: []MeanRating{{"scene understanding", 3, 1}, {"data understanding", 2, 4.5}},
			Styles:  []StyleShare{{"b", 1. / 3}, {"a", 2. / 3}},
			Sources: 2, Bins: 2,
		},
		Selection: Portrait{
			Samples: 2,
			Ratings: []MeanRating{{"scene understanding", 2, 0.5}, {"data understanding", 1, 4}},
			Styles:  []StyleShare{{"b", 0.5}, {"a", 1}},
			Sources: 1, Bins: 2,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}

	nothing := Summarize(pool, nil, 1)
	if _, err := json.Marshal(nothing); err != nil {
		t.Errorf("summary of an empty selection: %v", err)
	}
	everything := Summarize(pool, []uint32{0, 1, 2}, 1)
	if diff := cmp.Diff(everything.Pool, everything.Random); diff != "" {
		t.Errorf("a random subset of the pool's size is not the pool (-pool +random):\n%s", diff)
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	const n, k, draws = 10, 3, 3000
	hits := make([]int, n)
	for seed := range uint64(draws) {
		drawn := draw(n, k, seed)
		if len(drawn) != k || !slices.IsSorted(drawn) || len(slices.Compact(slices.Clone(drawn))) != k {
			t.Fatalf("draw(%d, %d, %d) = %v, want different numbers", n, k, seed, drawn)
		}
		if !slices.Equal(drawn, draw(n, k, seed)) {
			t.Fatalf("seed %d gives two draws", seed)
		}
		for _, i := range drawn {
			hits[i]++
		}
	}
	// 900 expected, standard deviation 25.
	for i, h := range hits {
		if h < 775 || h > 1025 {
			t.Errorf("number %d was drawn %d times of %d, want about %d", i, h, draws, draws*k/n)
		}
	}
}
