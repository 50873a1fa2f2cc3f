package gpu

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

func TestRateAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer answer
		rating int8
		flag   string
	}{
		"a digit":            {over("4", [6]float64{0, 0, 0, 0.2, 0.7, 0}), 4, ""},
		"zero":               {over("0", [6]float64{1, 0, 0, 0, 0, 0}), 0, ""},
		"just enough mass":   {over("5", [6]float64{0, 0, 0, 0, 0, 0.5}), 5, ""},
		"too little mass":    {over("5", [6]float64{0, 0, 0, 0, 0, 0.4999}), scorer.Missing, flagLowMass},
		"a word is likelier": {over("The", [6]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}), scorer.Missing, flagNoDigit},
		"a digit above five": {over("7", [6]float64{0, 0, 0, 0, 0.3, 0.3}), scorer.Missing, flagNoDigit},
		"a digit and more":   {over("4.", [6]float64{0, 0, 0, 0, 0.6, 0}), scorer.Missing, flagNoDigit},
		"a word, low mass":   {over("The", [6]float64{0, 0, 0, 0, 0.1, 0}), scorer.Missing, flagLowMass},
	}
	for name, tt := range tests {
		if rating, flag := rate(tt.answer); rating != tt.rating || flag != tt.flag {
			t.Errorf("%s: rating %d, flag %q; want %d, %q", name, rating, flag, tt.rating, tt.flag)
		}
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		probabilities    [6]float64
		expected, margin float64
	}{
		"sure":                  {[6]float64{0, 0, 0, 0, 0, 1}, 5, 1},
		"undecided":             {[6]float64{0.125, 0.125, 0.125, 0.125, 0.125, 0.125}, 2.5, 0},
		"between two":           {[6]float64{0, 0, 0, 0.25, 0.5, 0}, 11.0 / 3, 0.25},
		"normalised":            {[6]float64{0.01, 0, 0, 0, 0, 0.03}, 3.75, 0.02},
		"hardly any":            {[6]float64{0, 1e-300, 1e-300, 0, 0, 0}, 1.5, 0},
		"the likeliest is last": {[6]float64{0.1, 0.2, 0, 0, 0, 0.6}, 3.2 / 0.9, 0.4},
	}
	for name, tt := range tests {
		var logprobs []float64
		for _, p := range tt.probabilities {
			logprobs = append(logprobs, max(math.Log(p), -1e4))
		}
		expected, margin := measure(logprobs)
		if math.Abs(expected-tt.expected) > 1e-9 || math.Abs(margin-tt.margin) > 1e-9 {
			t.Errorf("%s: expected score %v, margin %v; want %v, %v", name, expected, margin, tt.expected, tt.margin)
		}
	}
}

func TestStyles(t *testing.T) {
	t.Parallel()
	known := rubric.Default().Styles
	tests := map[string]struct {
		text         string
		truncated    bool
		ours, others []string
	}{
		"one": {"yes/no", false, []string{"yes/no"}, nil},
		"order is kept": {
			" comparison ,yes/no,\tcoordinate\n", false, []string{"comparison", "yes/no", "coordinate"}, nil,
		},
		"each once":             {"yes/no, poem, yes/no, poem", false, []string{"yes/no"}, []string{"poem"}},
		"other text":            {"a poem, comparison", false, []string{"comparison"}, []string{"a poem"}},
		"case matters":          {"Yes/No", false, nil, []string{"Yes/No"}},
		"a full stop is other":  {"yes/no.", false, nil, []string{"yes/no."}},
		"nothing":               {"", false, nil, nil},
		"commas alone":          {" , ,", false, nil, nil},
		"cut in a name":         {"yes/no, compar", true, []string{"yes/no"}, []string{"compar"}},
		"cut, perhaps, in one":  {"yes/no, comparison", true, []string{"yes/no"}, []string{"comparison"}},
		"cut after a comma":     {"yes/no,", true, []string{"yes/no"}, nil},
		"with signs":            {"chain-of-thought (step-by-step)", false, []string{"chain-of-thought (step-by-step)"}, nil},
		"named before the cut ": {"yes/no, poem, yes/no", true, []string{"yes/no"}, []string{"poem", "yes/no"}},
	}
	for name, tt := range tests {
		ours, others := styles(tt.text, tt.truncated, known)
		if diff := cmp.Diff([][]string{tt.ours, tt.others}, [][]string{ours, others}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// A sample's result has every flag that applies, once, those of the sidecar first.
func TestFlags(t *testing.T) {
	t.Parallel()
	r := *rubric.Default()
	r.Capabilities = r.Capabilities[:3]
	text := "comparison, a poem, yes/no"
	word := over("The", [6]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1})
	unsure := over("3", [6]float64{0, 0, 0, 0.4, 0, 0})
	got := (&Scorer{rubric: &r}).result(sampleAnswers{
		answers: []answer{sure(2), word, unsure, {Text: &text, Truncated: true}}, flags: []string{"off_reference"},
	})
	flags := []string{"off_reference", "low_mass", "no_digit", "other_style", "styler_truncated"}
	if diff := cmp.Diff(flags, got.Flags); diff != "" {
		t.Errorf("flags (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]int8{2, scorer.Missing, scorer.Missing}, got.Ratings); diff != "" {
		t.Errorf("ratings (-want +got)\n%s", diff)
	}
	if !near(got.Expected[1], 2.5) || !near(got.Mass[1], 0.6) || !near(got.Expected[2], 3) {
		t.Errorf("a missing rating lost its distribution: %v, %v", got.Expected, got.Mass)
	}
}
