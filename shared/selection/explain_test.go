package selection

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var explainRows = []row{
	{"x", 5, "a"}, {"x", 4, "a b"}, {"x", 1, "a"}, {"x", Missing, "a"}, {"x", 5, ""},
	{"y", 5, "b"}, {"y", 5, "b"}, {"z", 5, "c"},
}

var ratingOne = int8(1)

// explained are samples of explainRows in selections, and why they are in or out.
var explained = map[string]struct {
	params Params
	sample uint32
	want   Explanation
}{
	"picked in a turn": {
		Params{Budget: 2}, 7,
		Explanation{Order: 2, Rule: "turn", Capability: deduction, Round: 1, Bin: "c+z", Rank: 1},
	},
	"picked since included": {
		Params{Budget: 3, Include: []uint32{3, 2}}, 2,
		Explanation{Order: 2, Rule: "include", Rank: 2},
	},
	"outranked": {
		Params{Budget: 4, Rules: Rules{Threshold: 0}}, 2,
		Explanation{Reason: ReasonRank, Misses: []Miss{{deduction, "a+x", 3, 1}}},
	},
	"nearest bin first": {
		Params{Budget: 1, Rules: Rules{Sources: keep("x")}, Include: []uint32{0}}, 1,
		Explanation{Reason: ReasonRank, Misses: []Miss{{deduction, "b+x", 1, 0}, {deduction, "a+x", 2, 0}}},
	},
	"threshold": {
		Params{Budget: 8, Rules: Rules{Threshold: 2}}, 2,
		Explanation{Reason: ReasonThreshold, Below: []Below{{deduction, &ratingOne, 2}}},
	},
	"no rating": {
		Params{Budget: 8}, 3,
		Explanation{Reason: ReasonUnrated, Below: []Below{{deduction, nil, 0}}},
	},
	"no style":      {Params{Budget: 8}, 4, Explanation{Reason: ReasonNoStyle}},
	"style filter":  {Params{Budget: 8, Rules: Rules{Styles: drop("b")}}, 1, Explanation{Reason: ReasonStyle}},
	"source filter": {Params{Budget: 8, Rules: Rules{Sources: drop("x")}}, 1, Explanation{Reason: ReasonSource}},
	"excluded":      {Params{Budget: 8, Exclude: []uint32{1}}, 1, Explanation{Reason: ReasonExclude}},
	"a duplicate":   {Params{Budget: 8, Rules: Rules{Unique: true}}, 6, Explanation{Reason: ReasonDuplicate}},
	"cap of a style": {
		Params{Budget: 8, Rules: Rules{Caps: Caps{Style: capOf("1")}}}, 6,
		Explanation{Reason: ReasonStyleCap, Misses: []Miss{{deduction, "b+y", 2, 0}}},
	},
	"too many tokens": {
		Params{Budget: 60, InTokens: true}, 5,
		Explanation{Reason: ReasonTokens, Misses: []Miss{{deduction, "b+y", 1, 2}}},
	},
	"a strategy's order": {
		Params{Budget: 2, Rules: Rules{Strategy: Top, RatingsOnly: true}}, 1,
		Explanation{Reason: ReasonRank, Misses: []Miss{{Rank: 5, Last: 2}}},
	},
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, tt := range explained {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := poolOfRows(t, explainRows)
			pool.Twin = make([][16]byte, len(explainRows))
			pool.Twin[5][0], pool.Twin[6][0] = 1, 1
			pool.Tokens = []uint32{10, 10, 10, 10, 10, 90, 10, 10}
			result, err := Select(pool, tt.params)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Explain(pool, tt.params, result, tt.sample)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Sample = tt.sample
			if diff := cmp.Diff([]Explanation{tt.want}, got); diff != "" {
				t.Errorf("explanation (-want +got):\n%s\npicks: %v", diff, result.Samples())
			}
		})
	}
	if _, err := Explain(poolOfRows(t, explainRows), Params{Budget: 1}, &Result{}, 8); err == nil {
		t.Error("a sample beyond the pool was explained")
	}
}

// TestExplainRanks compares every rank with the slow form's order of the bin's candidates.
func TestExplainRanks(t *testing.T) {
	t.Parallel()
	sh := shape{
		samples: 200, capabilities: 3, sources: 3, styles: 4, maxStyles: 3,
		highest: 5, expected: true, tie: true, index: true,
	}
	for _, order := range []BinOrder{ByPosition, ByScore} {
		pool := sh.random(rand.New(rand.NewPCG(1, 5)))
		params := Params{Budget: 60, Rules: Rules{WithinBin: order}}
		result, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]uint32, pool.Len())
		for s := range all {
			all[s] = uint32(s)
		}
		explanations, err := Explain(pool, params, result, all...)
		if err != nil {
			t.Fatal(err)
		}
		p := &slowSelection{pool: pool, params: params, names: pool.Capabilities}
		misses := 0
		for _, x := range explanations {
			at := slices.Index(result.Samples(), x.Sample)
			if x.Order != at+1 || (x.Order == 0) != (x.Reason != "") {
				t.Errorf("%s: sample %d is pick %d: %+v", order, x.Sample, at+1, x)
			}
			for _, miss := range x.Misses {
				misses++
				held := p.inBins(miss.Capability)[miss.Bin]
				want := Miss{Capability: miss.Capability, Bin: miss.Bin, Rank: slices.Index(held, x.Sample) + 1}
				for _, pick := range result.Picks {
					capability := result.Capabilities[pick.Capability].Capability
					if capability == miss.Capability && result.Bins[pick.Bin] == miss.Bin {
						want.Last = max(want.Last, slices.Index(held, pick.Sample)+1)
					}
				}
				if miss != want || miss.Rank < miss.Last {
					t.Errorf("%s: sample %d: %+v, want %+v", order, x.Sample, miss, want)
				}
			}
		}
		if misses == 0 {
			t.Errorf("%s: no sample missed", order)
		}
	}
}
