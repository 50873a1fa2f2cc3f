package selection

import (
	"math"
	"strings"
	"testing"
)

const deduction = "logical deduction"

func weightOf(name string, weight float64) Rules {
	return Rules{Weights: map[string]float64{name: weight}}
}

func minimumsOf(least map[string]int, source Cap) Rules {
	return Rules{Minimums: least, Caps: Caps{Source: source}}
}

// paramCases are parameters for a pool of three samples with the styles a, a and b, and one sample without a style.
var paramCases = map[string]struct {
	params Params   // without a budget, the budget is the whole pool
	want   []string // texts in the error; empty if there is no error
}{
	"everything known": {Params{Budget: 3, Rules: Rules{
		Styles: keep("a"), Weights: map[string]float64{deduction: 2}, Capabilities: []string{deduction},
	}}, nil},
	"no budget":        {Params{Budget: -1}, []string{"give 1 to 4"}},
	"budget too large": {Params{Budget: 5}, []string{"give 1 to 4"}},
	"unknown capability": {
		Params{Rules: Rules{Capabilities: []string{"ocr"}}}, []string{"known are: logical deduction"},
	},
	"named twice": {
		Params{Rules: Rules{Capabilities: []string{deduction, deduction}}}, []string{"name it once"},
	},
	"unknown names": {
		Params{Rules: Rules{Styles: keep("q"), Sources: drop("r")}},
		[]string{`styles: keep: "q" is unknown; known are: a, b`, `sources: drop: "r" is unknown; known are: x, y`},
	},
	"kept and dropped": {
		Params{Rules: Rules{Sources: Filter{Keep: []string{"x"}, Drop: []string{"x"}}}},
		[]string{"both kept and dropped"},
	},
	"weight of another": {
		Params{Rules: weightOf("ocr", 1)}, []string{`weights: "ocr" is unknown; known are: logical deduction`},
	},
	"weight of nothing":   {Params{Rules: weightOf(deduction, 0)}, []string{"give 1e-06 to 1e+06"}},
	"weight of no number": {Params{Rules: weightOf(deduction, math.NaN())}, []string{"give 1e-06 to 1e+06"}},
	"threshold of another": {
		Params{Rules: Rules{Thresholds: map[string]int{"ocr": 1}}}, []string{`thresholds: "ocr" is unknown`},
	},
	"strategy": {
		Params{Rules: Rules{Strategy: "best"}}, []string{"known are: mmssr, descending, random, top, stratified, longest"},
	},
	"order": {Params{Rules: Rules{WithinBin: "rating"}}, []string{"known are: position, score"}},
	"rules without turns": {
		Params{Rules: Rules{Strategy: Top, Threshold: 1, WithinBin: ByScore}},
		[]string{`threshold: strategy "top" does not use this field`, `within_bin: strategy "top"`},
	},
	"no such column": {
		Params{Rules: Rules{Where: []Condition{{"relevance", ">", 1}}, TieBreak: "-length"}},
		[]string{`where: "relevance" is unknown`, `tie_break: "length" is unknown`},
	},
	"by of another strategy": {Params{Rules: Rules{By: "a"}}, []string{`by: only strategy "top"`}},
	"ties of none": {
		Params{Rules: Rules{Strategy: Random, TieBreak: "a", RatingsOnly: true}},
		[]string{"ratings_only breaks ties", `ratings_only: strategy "random"`, `tie_break: strategy "random"`},
	},
	"no texts": {Params{Rules: Rules{Strategy: Longest}}, []string{"tokens of the pool's answers are not known"}},
	"no modalities": {
		Params{Rules: Rules{Caps: Caps{Modality: ModalityCaps{TextOnly: capOf("1")}}}}, []string{"modalities are not known"},
	},
	"no tokens":   {Params{Budget: 1, InTokens: true}, []string{"give a budget in samples"}},
	"no images":   {Params{Rules: Rules{Caps: Caps{Image: capOf("1")}}}, []string{"images are not known"}},
	"no contents": {Params{Rules: Rules{Unique: true}}, []string{"hashes of the pool's samples are not known"}},
	"no such sample": {
		Params{Exclude: []uint32{4}, Include: []uint32{5}},
		[]string{"exclude: there is no sample 4; the last is 3", "include: there is no sample 5"},
	},
	"in and out": {
		Params{Budget: 2, Include: []uint32{1, 2}, Exclude: []uint32{1}},
		[]string{"sample at position 1 is excluded by another parameter (excluded)"},
	},
	"in and filtered": {
		Params{Budget: 2, Include: []uint32{1}, Rules: Rules{Sources: drop("x")}},
		[]string{"sample at position 1 is excluded by another parameter (filtered_by_source)"},
	},
	"more in than budget": {Params{Budget: 1, Include: []uint32{1, 2}}, []string{"the least is 2"}},
	"more in than a cap": {
		Params{Include: []uint32{0, 1}, Rules: Rules{Caps: Caps{Source: capOf("1")}}},
		[]string{`source "x" has 2`, "the least is 2"},
	},
	"minimum above the pool": {
		Params{Rules: minimumsOf(map[string]int{"y": 2}, Cap{})},
		[]string{`2 samples of "y" cannot be selected; the most is 1`},
	},
	"minimum of nothing": {Params{Rules: minimumsOf(map[string]int{"y": 0}, Cap{})}, []string{"the least is 1"}},
	"minimum above a cap": {
		Params{Rules: minimumsOf(map[string]int{"x": 2}, capOf("1"))},
		[]string{"exceed the cap of a source; the most is 1"},
	},
	"minimums above budget": {
		Params{Budget: 2, Rules: minimumsOf(map[string]int{"x": 2, "y": 1}, Cap{})}, []string{"the least is 3"},
	},
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for name, tt := range paramCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := poolOfRows(t, []row{{"x", 1, "a"}, {"x", 1, "a"}, {"y", 1, "b"}, {"y", 1, ""}})
			if tt.params.Budget == 0 {
				tt.params.Budget = pool.Len()
			}
			checkError(t, tt.params.Validate(pool), tt.want)
			if _, err := Select(pool, tt.params); (err != nil) != (tt.want != nil) {
				t.Errorf("Select: %v", err)
			}
		})
	}
}

// checkError checks that an error contains all of the texts, and that there is no error if there are no texts.
func checkError(t *testing.T, err error, texts []string) {
	t.Helper()
	if texts == nil && err != nil {
		t.Error(err)
	}
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
}

func TestParamsValidatePool(t *testing.T) {
	t.Parallel()
	checkError(t, (Params{Budget: 1}).Validate(poolOf(t, []string{"a"})), []string{"nothing to select from"})
	checkError(t, (Params{Budget: 1}).Validate(poolOf(t, nil, Sample{})), []string{"the pool has no ratings"})
	pool := poolOfRows(t, []row{{"x", 1, "a"}})
	checkError(t, (Params{}).Validate(pool), []string{"give 1 to 1"})
	pool.Tokens = []uint32{5}
	checkError(t, (Params{Budget: 6, InTokens: true}).Validate(pool), []string{"give 1 to 5"})
	pool.Tokens = []uint32{0}
	checkError(t, (Params{Budget: 1, InTokens: true}).Validate(pool), []string{"no sample of the pool has tokens"})
}
