package selection

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A shape describes random pools.
type shape struct {
	samples, capabilities, sources, styles int
	maxStyles                              int     // of one sample
	missing                                float64 // share of ratings
	lowest, highest                        int16   // rating
	threshold                              int     // the lowest of three
	expected, tie, index                   bool
}

// random makes a pool with many ties: few distinct expected scores and hashes.
func (sh shape) random(rng *rand.Rand) *Pool {
	names := make([]string, sh.capabilities)
	for c := range names {
		names[c] = fmt.Sprintf("capability %d", c)
	}
	pool := NewPool(names...)
	for range sh.samples {
		sample := Sample{Source: fmt.Sprint("s", rng.IntN(sh.sources))}
		for range names {
			rating := sh.lowest + int16(rng.IntN(int(sh.highest-sh.lowest)+1))
			if rng.Float64() < sh.missing {
				rating = Missing
			}
			sample.Ratings = append(sample.Ratings, rating)
			if sh.expected {
				sample.Expected = append(sample.Expected, uint16(rng.IntN(4)*1024))
			}
		}
		if sh.tie {
			sample.Tie = uint64(rng.IntN(3))
		}
		if sh.index {
			sample.Index = rng.Int64N(1000) - 500
		}
		for range rng.IntN(sh.maxStyles + 1) {
			sample.Styles = append(sample.Styles, strings.Repeat("+", rng.IntN(2))+fmt.Sprint("t", rng.IntN(sh.styles)))
		}
		if err := pool.Add(sample); err != nil {
			panic(err)
		}
	}
	if !sh.tie {
		pool.Tie = nil
	}
	if !sh.index {
		pool.Index = nil
	}
	return pool
}

// TestSelectAgainstReference compares every pick, with its rank, with the plain form of the method.
func TestSelectAgainstReference(t *testing.T) {
	t.Parallel()
	shapes := map[string]shape{
		"one of each":      {samples: 1, capabilities: 1, sources: 1, styles: 1, maxStyles: 1, highest: 5},
		"one bin":          {samples: 60, capabilities: 3, sources: 1, styles: 1, maxStyles: 1, highest: 5, tie: true},
		"few bins":         {samples: 150, capabilities: 4, sources: 2, styles: 3, maxStyles: 3, highest: 5, expected: true, tie: true},
		"many bins":        {samples: 120, capabilities: 5, sources: 20, styles: 9, maxStyles: 3, highest: 5, missing: 0.1},
		"many styles":      {samples: 80, capabilities: 2, sources: 2, styles: 8, maxStyles: 8, highest: 2, index: true},
		"mostly missing":   {samples: 100, capabilities: 6, sources: 3, styles: 4, maxStyles: 2, highest: 5, missing: 0.9, expected: true},
		"odd ratings":      {samples: 100, capabilities: 3, sources: 3, styles: 3, maxStyles: 3, lowest: -300, highest: 300, threshold: -300, index: true},
		"more than batch":  {samples: 500, capabilities: 2, sources: 1, styles: 2, maxStyles: 2, highest: 3, expected: true, tie: true, index: true},
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
				if diff := cmp.Diff(reference(pool, params), got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("seed %d, %+v (-reference +got):\n%s", seed, params, diff)
				}
			}
		})
	}
}

// A row is a sample of a pool of one capability.
type row struct {
	source string
	rating int16
	styles string // separated by spaces
}

func newRows(t *testing.T, rows []row) *Pool {
	t.Helper()
	pool := NewPool("logical deduction")
	for _, r := range rows {
		if err := pool.Add(Sample{Ratings: []int16{r.rating}, Source: r.source, Styles: strings.Fields(r.styles)}); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// TestSelectRules pins single rules in pools small enough to follow by hand, so that a rule misread
// in both Select and its plain form would still show.
func TestSelectRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
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
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := Select(newRows(t, tt.rows), Params{Budget: tt.budget, Rules: Rules{RatingsOnly: true}})
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

// TestSelectOverdrawnRound has a first capability pick 6 where its part is 4, since three bins hold
// the same sample: the second is left 2 of its 4, and must spread these 2 over its bins.
func TestSelectOverdrawnRound(t *testing.T) {
	t.Parallel()
	pool := NewPool("a", "b")
	for _, s := range []Sample{
		{Ratings: []int16{1, 0}, Styles: []string{"1", "4", "5"}},
		{Ratings: []int16{1, 0}, Styles: []string{"2"}},
		{Ratings: []int16{1, 0}, Styles: []string{"3"}},
		{Ratings: []int16{1, 0}, Styles: []string{"6"}},
		{Ratings: []int16{1, 0}, Styles: []string{"6"}},
		{Ratings: []int16{1, 0}, Styles: []string{"6"}},
		{Ratings: []int16{0, 1}, Styles: []string{"7"}},
		{Ratings: []int16{0, 1}, Styles: []string{"7"}},
		{Ratings: []int16{0, 1}, Styles: []string{"8"}},
		{Ratings: []int16{0, 1}, Styles: []string{"8"}},
	} {
		if err := pool.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	result, err := Select(pool, Params{Budget: 8})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{0, 1, 2, 3, 4, 5, 6, 8}, result.Samples()); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
	want := []Turns{{Capability: "a", Candidates: 6, Picked: 6}, {Capability: "b", Candidates: 4, Picked: 2}}
	if diff := cmp.Diff(want, result.Capabilities); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

// TestSelectTies takes the advantages away one by one, each time to see the next one decide.
func TestSelectTies(t *testing.T) {
	t.Parallel()
	pool := NewPool("a", "b")
	for _, s := range []Sample{
		{Ratings: []int16{3, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 5},
		{Ratings: []int16{4, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 9},
		{Ratings: []int16{4, 0}, Expected: []uint16{3001, 0}, Tie: 9, Index: 8},
		{Ratings: []int16{4, 0}, Expected: []uint16{3000, 10}, Tie: 9, Index: 7},
		{Ratings: []int16{4, 0}, Expected: []uint16{3000, 9}, Tie: 8, Index: 10},
		{Ratings: []int16{4, 0}, Expected: []uint16{3000, 9}, Tie: 9, Index: 6},
		{Ratings: []int16{4, Missing}, Expected: []uint16{3000, 999}, Tie: 0, Index: 0},
	} {
		s.Source, s.Styles = "x", []string{"y"}
		if err := pool.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		ratingsOnly bool
		want        []uint32
	}{
		"all merits":   {false, []uint32{2, 3, 4, 5, 1, 6, 0}},
		"ratings only": {true, []uint32{6, 5, 3, 2, 1, 4, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := Select(pool, Params{Budget: 7, Rules: Rules{Capabilities: []string{"a"}, RatingsOnly: tt.ratingsOnly}})
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
	pool := newRows(t, []row{{"x", Missing, "a"}, {"x", Missing + 1, "a"}, {"x", math.MaxInt16, "a"}})
	tests := map[int][]uint32{
		math.MinInt:       {2, 1},
		math.MaxInt16 - 1: {2},
		math.MaxInt16:     {},
		math.MaxInt:       {},
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

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	pool := newRows(t, []row{{"x", 1, "a"}, {"x", 1, "a"}})
	tests := map[string]struct {
		pool   *Pool
		params Params
		want   string // in the error; empty: none
	}{
		"good":               {pool, Params{Budget: 2, Rules: Rules{Capabilities: []string{"logical deduction"}}}, ""},
		"empty pool":         {NewPool("a"), Params{Budget: 1}, "nothing to select from"},
		"no budget":          {pool, Params{}, "give 1 to 2"},
		"budget too large":   {pool, Params{Budget: 3}, "give 1 to 2"},
		"unknown capability": {pool, Params{Budget: 1, Rules: Rules{Capabilities: []string{"ocr"}}}, "known are: logical deduction"},
		"named twice": {
			pool, Params{Budget: 1, Rules: Rules{Capabilities: []string{"logical deduction", "logical deduction"}}}, "name it once",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Select(tt.pool, tt.params)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Select: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Select error %v does not say %q", err, tt.want)
			}
		})
	}
}
