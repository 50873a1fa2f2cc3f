package selection

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestSelectAgainstSlow compares every pick and its rank with the slow implementation of the method.
func TestSelectAgainstSlow(t *testing.T) {
	t.Parallel()
	shapes := map[string]shape{
		"one of each": {samples: 1, capabilities: 1, sources: 1, styles: 1, maxStyles: 1, highest: 5},
		"one bin":     {samples: 60, capabilities: 3, sources: 1, styles: 1, maxStyles: 1, highest: 5, tie: true},
		"few bins": {
			samples: 150, capabilities: 4, sources: 2, styles: 3, maxStyles: 3, highest: 5, expected: true, tie: true,
		},
		"many bins": {
			samples: 120, capabilities: 5, sources: 20, styles: 9, maxStyles: 3, highest: 5, missing: 0.1,
		},
		"many styles": {samples: 80, capabilities: 2, sources: 2, styles: 8, maxStyles: 8, highest: 2, index: true},
		"mostly missing": {
			samples: 100, capabilities: 6, sources: 3, styles: 4, maxStyles: 2,
			highest: 5, missing: 0.9, expected: true,
		},
		"odd ratings": {
			samples: 100, capabilities: 3, sources: 3, styles: 3, maxStyles: 3,
			lowest: -120, highest: 120, threshold: -300, index: true,
		},
		"more than batch": {
			samples: 500, capabilities: 2, sources: 1, styles: 2, maxStyles: 2,
			highest: 3, expected: true, tie: true, index: true,
		},
		"nothing but ties": {samples: 300, capabilities: 3, sources: 2, styles: 2, maxStyles: 2, lowest: 1, highest: 1},
	}
	for name, sh := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(25) {
				rng := rand.New(rand.NewPCG(seed, 1))
				pool := sh.random(rng)
				params := Params{
					Budget: 1 + rng.IntN(pool.Len()),
					Rules: Rules{Threshold: sh.threshold + rng.IntN(3),
						Capabilities: pool.Capabilities[:rng.IntN(len(pool.Capabilities)+1)],
						RatingsOnly:  seed%3 == 0},
				}
				switch seed {
				case 0:
					params.Budget = 1
				case 1:
					params.Budget = pool.Len()
				}
				got, err := Select(pool, params)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if diff := cmp.Diff(slowSelect(pool, params), got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("seed %d, %+v (-slow +got):\n%s", seed, params, diff)
				}
			}
		})
	}
}

// handRules are pools in which one rule decides, with the picks and their ranks.
var handRules = map[string]struct {
	rows   []row
	budget int
	want   []uint32 // in order
	ranks  []uint32
}{
	"the higher rating goes first, zero never": {
		rows:   []row{{"x", 0, "a"}, {"x", 2, "a"}, {"x", 5, "a"}, {"x", Missing, "a"}},
		budget: 4, want: []uint32{2, 1}, ranks: []uint32{1, 2},
	},
	"a first style goes before a higher rating": {
		rows:   []row{{"x", 5, "b a"}, {"x", 1, "a"}, {"x", 1, "b"}, {"x", 1, "b"}},
		budget: 1, want: []uint32{1}, ranks: []uint32{1},
	},
	"the smaller bin goes first": {
		rows:   []row{{"x", 5, "a"}, {"x", 5, "a"}, {"x", 1, "b"}},
		budget: 1, want: []uint32{2}, ranks: []uint32{1},
	},
	"bins of equal size go by name": {
		rows:   []row{{"y", 5, "b"}, {"y", 5, "a"}, {"x", 1, "b"}},
		budget: 3, want: []uint32{1, 2, 0}, ranks: []uint32{1, 1, 1},
	},
	"a small bin's debt is paid by a larger one": {
		rows:   []row{{"x", 1, "a"}, {"x", 1, "b"}, {"x", 2, "b"}, {"x", 3, "b"}, {"x", 4, "b"}, {"x", 5, "b"}},
		budget: 4, want: []uint32{0, 5, 4, 3}, ranks: []uint32{1, 1, 2, 3},
	},
	"a rank counts what another bin has taken in the turn": {
		rows:   []row{{"x", 5, "b a"}, {"x", 4, "b"}, {"x", 3, "b"}},
		budget: 2, want: []uint32{0, 1}, ranks: []uint32{1, 2},
	},
	"a sample without a style cannot be picked": {
		rows:   []row{{"x", 5, ""}, {"x", 1, "a"}},
		budget: 2, want: []uint32{1}, ranks: []uint32{1},
	},
	"bins of one name are one bin": {
		rows:   []row{{"b+c", 1, "a"}, {"c", 5, "a+b"}, {"z", 5, "z"}, {"z", 5, "z"}, {"z", 5, "z"}},
		budget: 1, want: []uint32{1}, ranks: []uint32{1},
	},
	"a style named again keeps its first place": {
		rows:   []row{{"x", 1, "b b a"}, {"x", 5, "b c a"}, {"x", 4, "b a"}},
		budget: 1, want: []uint32{1}, ranks: []uint32{1},
	},
}

// TestSelectRules tests single rules in pools that are small enough to follow by hand. It can find an error that both
// Select and the slow implementation have.
func TestSelectRules(t *testing.T) {
	t.Parallel()
	for name, tt := range handRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := Select(poolOfRows(t, tt.rows), Params{Budget: tt.budget, Rules: Rules{RatingsOnly: true}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result.Samples()); diff != "" {
				t.Errorf("picks (-want +got):\n%s", diff)
			}
			var ranks []uint32
			for _, pick := range result.Picks {
				ranks = append(ranks, pick.Rank)
			}
			if diff := cmp.Diff(tt.ranks, ranks); diff != "" {
				t.Errorf("ranks (-want +got):\n%s", diff)
			}
			if result.Shortfall() != tt.budget-len(tt.want) {
				t.Errorf("Shortfall() = %d for %d of %d", result.Shortfall(), len(tt.want), tt.budget)
			}
		})
	}
}

// TestSelectNarrowedRound has a first capability that picks 6 although its amount is 4, because three bins have the
// same sample. So 2 of 4 remain for the second capability, which must divide these 2 among its bins.
func TestSelectNarrowedRound(t *testing.T) {
	t.Parallel()
	pool := poolOf(t, []string{"a", "b"},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"1", "4", "5"}},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"2"}},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"3"}},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"6"}},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"6"}},
		Sample{Ratings: []int8{1, 0}, Styles: []string{"6"}},
		Sample{Ratings: []int8{0, 1}, Styles: []string{"7"}},
		Sample{Ratings: []int8{0, 1}, Styles: []string{"7"}},
		Sample{Ratings: []int8{0, 1}, Styles: []string{"8"}},
		Sample{Ratings: []int8{0, 1}, Styles: []string{"8"}},
	)
	result, err := Select(pool, Params{Budget: 8})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{0, 1, 2, 3, 4, 5, 6, 8}, result.Samples()); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
	want := []CapabilityResult{{Capability: "a", Candidates: 6, Picked: 6}, {Capability: "b", Candidates: 4, Picked: 2}}
	if diff := cmp.Diff(want, result.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
}

// TestSelectTies removes one tie break at a time, so that the next tie break decides.
func TestSelectTies(t *testing.T) {
	t.Parallel()
	samples := []Sample{
		{Ratings: []int8{3, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 5},
		{Ratings: []int8{4, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 9},
		{Ratings: []int8{4, 0}, Expected: []uint16{3001, 0}, Tie: 9, Index: 8},
		{Ratings: []int8{4, 0}, Expected: []uint16{3000, 10}, Tie: 9, Index: 7},
		{Ratings: []int8{4, 0}, Expected: []uint16{3000, 9}, Tie: 8, Index: 10},
		{Ratings: []int8{4, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 6},
		{Ratings: []int8{4, Missing}, Expected: []uint16{3000, 999}, Tie: 0, Index: 0},
	}
	for i := range samples {
		samples[i].Source, samples[i].Styles = "x", []string{"y"}
	}
	pool := poolOf(t, []string{"a", "b"}, samples...)
	tests := map[string]struct {
		ratingsOnly bool
		want        []uint32
	}{
		"all meansOf":  {false, []uint32{2, 3, 4, 5, 1, 6, 0}},
		"ratings only": {true, []uint32{6, 5, 3, 2, 1, 4, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := Rules{Capabilities: []string{"a"}, RatingsOnly: tt.ratingsOnly}
			result, err := Select(pool, Params{Budget: 7, Rules: rules})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result.Samples()); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectThresholdExtremes(t *testing.T) {
	t.Parallel()
	pool := poolOfRows(t, []row{{"x", Missing, "a"}, {"x", Missing + 1, "a"}, {"x", math.MaxInt8, "a"}})
	tests := map[int][]uint32{
		math.MinInt:      {2, 1},
		math.MaxInt8 - 1: {2},
		math.MaxInt8:     {},
		math.MaxInt:      {},
	}
	for threshold, want := range tests {
		result, err := Select(pool, Params{Budget: 3, Rules: Rules{Threshold: threshold}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, result.Samples()); diff != "" {
			t.Errorf("threshold %d (-want +got):\n%s", threshold, diff)
		}
	}
}
