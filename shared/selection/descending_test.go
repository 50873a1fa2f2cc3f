package selection

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDescending follows the strategy in a pool of one capability.
func TestDescending(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"x", 5, "a"}, {"x", 4, "a"}, {"x", 2, "a"}, {"y", 1, "a"}, {"y", 1, "a"}, {"z", 0, "a"}, // 0 to 5
		{"x", 4, "b"}, {"x", 1, "b"}, {"y", 3, "b"}, {"z", -1, "a"}, // 6 to 9
		{"x", 1, "a"}, {"x", 1, "a"}, {"x", 1, "a"}, {"x", 1, "a"}, {"x", 1, "a"}, {"x", 1, "a"}, // 10 to 15
	}
	for name, tt := range map[string]struct {
		rules  Rules
		budget int
		want   []uint32
	}{
		"bins are many, so that none gives its best first": {Rules{}, 5, []uint32{6, 0, 1, 8, 2}},
		// a+x gives 0, a+y 3, b+x 6, b+y 8: four bins with candidates.
		"the best of each bin first": {Rules{}, 16, []uint32{0, 3, 6, 8, 1, 2, 4, 7, 10, 11, 12, 13, 14, 15}},
		"a threshold ends it":        {Rules{Threshold: 1}, 16, []uint32{0, 6, 8, 1, 2}},
		"a threshold above the first level": {
			Rules{Thresholds: map[string]int{"logical deduction": 4}}, 3, []uint32{0},
		},
		"a threshold below 0": {
			Rules{Threshold: -1}, 15, []uint32{6, 0, 1, 8, 2, 7, 3, 4, 10, 11, 12, 13, 14, 15, 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := poolOfRows(t, rows)
			rules := tt.rules
			rules.Strategy, rules.RatingsOnly = Descending, true
			result, err := Select(pool, Params{Budget: tt.budget, Rules: rules})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result.Samples()); diff != "" {
				t.Errorf("picks (-want +got):\n%s", diff)
			}
			for _, pick := range result.Picks {
				if !pick.Rated() || pick.Rule != ByTurn && (pick.Rule != ByBin || pick.Round != 0 || pick.Rank != 1) {
					t.Errorf("%+v is not a pick of this strategy", pick)
				}
			}
		})
	}
}

// TestDescendingGivesAsMuch checks that Descending fills the budget whenever the paper's rule fills it, if sources,
// styles and images have no caps.
func TestDescendingGivesAsMuch(t *testing.T) {
	t.Parallel()
	sh := parameterShapes["few bins"]
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 8))
		pool := sh.random(rng)
		params := Params{Budget: 1 + rng.IntN(pool.Len()), Rules: Rules{Threshold: rng.IntN(3)}}
		paper, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		params.Strategy = Descending
		descending, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		if descending.Given < paper.Given {
			t.Errorf("seed %d: %d of %d, and the paper's rule gives %d", seed, descending.Given, params.Budget, paper.Given)
		}
	}
}
