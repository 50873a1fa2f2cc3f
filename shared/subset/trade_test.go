package subset_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// tradePool returns a pool of two capabilities. Most samples have low ratings, and the samples with the lowest ratings
// are in small bins.
func tradePool(t *testing.T, samples int) *subset.Pool {
	t.Helper()
	build := selection.NewBuilder("humanities", "stem knowledge")
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range samples {
		s := selection.Sample{Source: "large", Styles: []string{"yes/no"}, Tie: rng.Uint64(), Index: int64(i)}
		s.Ratings = []int8{int8(rng.IntN(6)), int8(rng.IntN(6))}
		if i%2 == 0 {
			s.Source = fmt.Sprint("small ", i%40)
			s.Ratings = []int8{int8(rng.IntN(2)), int8(rng.IntN(2))}
		}
		if err := build.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := selection.NewCatalog(build.Pool)
	if err != nil {
		t.Fatal(err)
	}
	return &subset.Pool{Catalog: catalog}
}

func TestTrade(t *testing.T) {
	t.Parallel()
	pool := tradePool(t, 400)
	three, two, one := []string{"chosen", "threshold 3", "descending"}, []string{"chosen", "threshold 2", "descending"},
		[]string{"chosen", "threshold 1", "descending"}
	for name, tt := range map[string]struct {
		budget int
		rules  selection.Rules
		want   []string // titles of the rows
	}{
		"the highest threshold that gives the budget": {60, selection.Rules{}, three},
		"a lower one where the budget is larger":      {130, selection.Rules{}, two},
		"the lowest where none gives it":              {240, selection.Rules{}, one},
		"descending is compared with a threshold":     {300, selection.Rules{Strategy: selection.Descending}, one[:2]},
		"high picks":  {60, selection.Rules{Threshold: 2}, nil},
		"no ratings":  {60, selection.Rules{Strategy: selection.Random}, nil},
		"below 1 too": {240, selection.Rules{Threshold: -1}, one},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := selection.Params{Budget: tt.budget, Rules: tt.rules}
			result, err := pool.Select(params)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := pool.Trade(params, result)
			if err != nil {
				t.Fatal(err)
			}
			if titles := checkTrade(t, pool, params, result, rows); !slices.Equal(titles, tt.want) {
				t.Errorf("rows %q, want %q", titles, tt.want)
			}
		})
	}
}

// checkTrade compares the rows of a trade with selections by their rules, and returns the titles of the rows.
func checkTrade(
	t *testing.T, pool *subset.Pool, params selection.Params, result *selection.Result, rows []subset.TradeRow,
) (titles []string) {
	t.Helper()
	rules := params.Rules
	for i, row := range rows {
		titles = append(titles, subset.TradeTitle(rows, i))
		params.Rules = row.Rules(rules)
		again, err := pool.Select(params)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pool.Figures(again), row.Figures); diff != "" {
			t.Errorf("%s is not what its rules give (-rules +row):\n%s", titles[i], diff)
		}
		shared := 0
		for _, s := range again.Samples() {
			if slices.Contains(result.Samples(), s) {
				shared++
			}
		}
		if shared != row.Shared {
			t.Errorf("%s shares %d samples, want %d", titles[i], row.Shared, shared)
		}
	}
	if len(rows) == 0 {
		return titles
	}
	head, lines := subset.TradeTable(rows)
	for _, line := range lines {
		if len(line) != len(head) || len(head) != len(rows)+1 {
			t.Errorf("a table of %d columns has the line %q", len(head), line)
		}
	}
	return titles
}

// TestTradeNested compares the rows of a nested trade with nested selections by their rules.
func TestTradeNested(t *testing.T) {
	t.Parallel()
	pool := tradePool(t, 400)
	asked := selection.Params{Budget: 130, Include: []uint32{3}}
	rows, err := pool.NestedTrade(asked, 60)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows, want 3", len(rows))
	}
	for _, row := range rows {
		asked.Rules = row.Rules(selection.Rules{})
		results, err := pool.SelectNested(asked, 60, 130)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pool.Figures(results[1]), row.Figures); diff != "" {
			t.Errorf("%s, threshold %d (-nested +row):\n%s", row.Strategy, row.Threshold, diff)
		}
	}
}

// TestLowPicks names the samples to which the share belongs: not all of a subset was picked on a rating.
func TestLowPicks(t *testing.T) {
	t.Parallel()
	for want, selected := range map[string]int{
		"25.0 % of the samples were picked on a rating of 1 or 0":                                 4,
		"Of the 4 samples that were picked on a rating, 25.0 % were picked on a rating of 1 or 0": 6,
	} {
		row := subset.TradeRow{Figures: selection.Figures{
			Selected: selected, PickRatings: &selection.PickRatings{0, 1, 0, 3},
		}}
		if got := subset.LowPicks(row); got != want {
			t.Errorf("%d selected: %q, want %q", selected, got, want)
		}
	}
}
