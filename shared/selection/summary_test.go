package selection

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	pool := smallPool(t)
	got := catalogOf(t, pool).Summarize(&Result{
		Capabilities: []CapabilityResult{{Capability: "data understanding"}},
		Picks:        []Pick{{Sample: 2}, {Sample: 0, Capability: None, Rule: ByInclude}},
	}, 1)
	got.Random = Statistics{}
	want := Summary{
		Pool: Statistics{
			Samples: 3,
			Ratings: []MeanRating{
				{"scene understanding", 3, 1, [6]int{1, 1, 1}},
				{"data understanding", 2, 4.5, [6]int{4: 1, 5: 1}},
			},
			Styles:  []StyleShare{{"b", 1. / 3}, {"a", 2. / 3}},
			Sources: 2, Bins: 2,
			StyleEntropy: entropy([]int{1, 2}), SourceEntropy: entropy([]int{1, 2}),
		},
		Selection: Statistics{
			Samples: 2,
			Ratings: []MeanRating{
				{"scene understanding", 2, 0.5, [6]int{1, 1}},
				{"data understanding", 1, 4, [6]int{4: 1}},
			},
			Styles:  []StyleShare{{"b", 0.5}, {"a", 1}},
			Sources: 1, Bins: 2,
			StyleEntropy: entropy([]int{1, 2}),
		},
		PickRatings: &PickRatings{4: 1}, HighKept: 0.5, BelowPool: pool.Capabilities,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}

	nothing := catalogOf(t, pool).Summarize(&Result{}, 1)
	if _, err := json.Marshal(nothing); err != nil {
		t.Errorf("summary of an empty selection: %v", err)
	}
	everything := catalogOf(t, pool).Summarize(picksOf(0, 1, 2), 1)
	if diff := cmp.Diff(everything.Pool, everything.Random); diff != "" {
		t.Errorf("a random subset of the pool's size is not the pool (-pool +random):\n%s", diff)
	}
}

// TestSummarizeFailed adds failed samples to a pool. The summary is the same as without them, because it describes only
// scored samples, also in random subsets.
func TestSummarizeFailed(t *testing.T) {
	t.Parallel()
	failed := Sample{
		Ratings: []int8{Missing, Missing}, Source: "broken", Tokens: 1000, Shape: ShapeOf(1, 1),
	}
	// build returns a catalog of 40 scored samples, with a failed sample before each of them, and the scored samples.
	build := func(each []Sample) (*Catalog, []uint32) {
		b := NewBuilder("scene understanding", "data understanding")
		var scored []uint32
		for i := range 40 {
			for _, s := range append(slices.Clone(each), Sample{
				Ratings: []int8{int8(i % 6), int8(i % 5)}, Source: []string{"x", "y"}[i%2], Tokens: uint32(10 + i),
				Styles: []string{[]string{"a", "b"}[i%2]}, Shape: ShapeOf(i%3, 1),
			}) {
				if err := b.Add(s); err != nil {
					t.Fatal(err)
				}
			}
			scored = append(scored, uint32(b.Pool.Len()-1))
		}
		for i := range b.Pool.Len() {
			b.Pool.Template = append(b.Pool.Template, uint32(i%2)) // with failed samples, one template for each kind
		}
		b.Pool.TemplateNames = []string{"how many"}
		return catalogOf(t, b.Pool), scored
	}
	clean, all := build(nil)
	clean.Pool.Template = slices.Repeat([]uint32{1}, 40)
	mixed, scored := build([]Sample{failed})
	want := clean.Summarize(picksOf(all[3:9]...), 5)
	got := mixed.Summarize(picksOf(scored[3:9]...), 5)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary of a pool with failed samples (-without +with):\n%s", diff)
	}
	if n := mixed.Summarize(picksOf(append(scored, 0)...), 5).Random.Samples; n != 40 {
		t.Errorf("the random subset of a selection with a failed sample has %d samples, want 40", n)
	}
}

// picksOf returns a result with picks that no rating decided.
func picksOf(samples ...uint32) *Result {
	result := &Result{}
	for _, s := range samples {
		result.Picks = append(result.Picks, Pick{Sample: s, Capability: None, Bin: None, Rule: ByInclude})
	}
	return result
}

func TestShapes(t *testing.T) {
	t.Parallel()
	pool := smallPool(t)
	if shapes := catalogOf(t, pool).Summarize(picksOf(0), 1).Pool.Shapes; shapes != nil {
		t.Errorf("shapes that are not known: %+v", shapes)
	}
	pool.Shape = []Shape{ShapeOf(0, 1), ShapeOf(3, 2), 0}
	got := catalogOf(t, pool).Summarize(picksOf(1), 1)
	want := map[string]float64{"text only": 0.5, "one image": 0, "several images": 0.5, "several turns": 0.5}
	for _, share := range got.Pool.Shapes.Named() {
		if share.Share != want[share.Name] {
			t.Errorf("%s: %v of the pool, want %v", share.Name, share.Share, want[share.Name])
		}
	}
	if diff := cmp.Diff(&ShapeShares{MultiImage: 1, MultiTurn: 1}, got.Selection.Shapes); diff != "" {
		t.Errorf("shapes of the selection (-want +got):\n%s", diff)
	}
	if ShapeOf(1, 0) != OneImage {
		t.Errorf("a sample of one image without turns has shape %d", ShapeOf(1, 0))
	}
	pool.Shape[0] = 8
	if err := pool.Validate(); err == nil {
		t.Error("an unknown shape is valid")
	}
}

// TestFigures compares the figures of a selection with its summary.
func TestFigures(t *testing.T) {
	t.Parallel()
	sh := parameterShapes["few bins"]
	catalog := catalogOf(t, sh.random(rand.New(rand.NewPCG(1, 9))))
	for _, strategy := range []Strategy{MMSSR, Descending, Top} {
		result, err := catalog.Select(Params{Budget: 30, Rules: Rules{Strategy: strategy}})
		if err != nil {
			t.Fatal(err)
		}
		s, got := catalog.Summarize(result, 1), catalog.Figures(result)
		want := Figures{
			Selected: s.Selection.Samples, PickRatings: s.PickRatings, HighKept: s.HighKept, BelowPool: len(s.BelowPool),
			Sources: s.Selection.Sources, Bins: s.Selection.Bins, StyleEntropy: s.Selection.StyleEntropy,
			SourceEntropy: s.Selection.SourceEntropy,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", strategy, diff)
		}
		if (got.PickRatings == nil) != (strategy == Top) {
			t.Errorf("%s: picks by rating %v", strategy, got.PickRatings)
		}
	}
	if total := (&PickRatings{1, 2, 3}).Total(); total != 6 {
		t.Errorf("in all %d picks, want 6", total)
	}
	if low := (&PickRatings{1, 2, 3}).Low(12); low != 0.25 {
		t.Errorf("%v of the picks are on a rating of 1 or 0, want a quarter", low)
	}
}

func TestAtThreshold(t *testing.T) {
	t.Parallel()
	rules := Rules{Threshold: 1, Thresholds: map[string]int{"a": 2, "b": 4}}
	got := rules.AtThreshold(3)
	if got.Threshold != 3 || !maps.Equal(got.Thresholds, map[string]int{"b": 4}) {
		t.Errorf("threshold %d, %v", got.Threshold, got.Thresholds)
	}
	if len(rules.Thresholds) != 2 {
		t.Error("the rules themselves have changed")
	}
}

func TestSummarizeTokens(t *testing.T) {
	t.Parallel()
	pool := smallPool(t)
	pool.Tokens = []uint32{10, 30, 20}
	got := catalogOf(t, pool).Summarize(picksOf(1), 1)
	if got.Pool.Tokens != 60 || got.Selection.Tokens != 30 || got.RandomTokens.Tokens != 30 {
		t.Errorf("tokens: %d of the pool, %d selected, %d at random; want 60, 30 and 30",
			got.Pool.Tokens, got.Selection.Tokens, got.RandomTokens.Tokens)
	}
	// The means are 1, 3.5 and 2: with 10, 30 and 20 tokens, r = 25 / sqrt(200 * 19/6).
	if r := got.Pool.LengthCorrelation; r == nil || math.Abs(*r-25/math.Sqrt(200*19./6)) > 1e-12 {
		t.Errorf("correlation of the pool: %v", r)
	}
	if r := got.Selection.LengthCorrelation; r != nil {
		t.Errorf("correlation of one sample: %v, want none", *r)
	}
}

func TestEntropy(t *testing.T) {
	t.Parallel()
	for want, counts := range map[float64][]int{0: {7, 0}, 1: {3, 3}, 1.5: {2, 1, 0, 1}, 2: {5, 5, 5, 5}} {
		if got := entropy(counts); math.Abs(got-want) > 1e-12 {
			t.Errorf("entropy(%v) = %v, want %v", counts, got, want)
		}
	}
	if got := entropy(nil); got != 0 {
		t.Errorf("entropy of nothing: %v", got)
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
