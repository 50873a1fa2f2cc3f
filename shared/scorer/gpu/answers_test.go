package gpu

import (
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
		"a digit":              {over("4", [6]float64{0, 0, 0, 0.2, 0.7, 0}), 4, ""},
		"zero":                 {over("0", [6]float64{1, 0, 0, 0, 0, 0}), 0, ""},
		"least mass":           {over("5", [6]float64{0, 0, 0, 0, 0, 0.5}), 5, ""},
		"too little mass":      {over("5", [6]float64{0, 0, 0, 0, 0, 0.4999}), scorer.Missing, scorer.FlagLowMass},
		"a word is likelier":   {over("The", [6]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}), scorer.Missing, scorer.FlagNoDigit},
		"a digit above five":   {over("7", [6]float64{0, 0, 0, 0, 0.3, 0.3}), scorer.Missing, scorer.FlagNoDigit},
		"digit with more text": {over("4.", [6]float64{0, 0, 0, 0, 0.6, 0}), scorer.Missing, scorer.FlagNoDigit},
		"a word, low mass":     {over("The", [6]float64{0, 0, 0, 0, 0.1, 0}), scorer.Missing, scorer.FlagLowMass},
	}
	for name, tt := range tests {
		if rating, flag := rate(tt.answer); rating != tt.rating || flag != tt.flag {
			t.Errorf("%s: rating %d, flag %q; want %d, %q", name, rating, flag, tt.rating, tt.flag)
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
		"full stop":             {"yes/no.", false, nil, []string{"yes/no."}},
		"empty text":            {"", false, nil, nil},
		"only commas":           {" , ,", false, nil, nil},
		"cut in a name":         {"yes/no, compar", true, []string{"yes/no"}, []string{"compar"}},
		"may be cut in a name":  {"yes/no, comparison", true, []string{"yes/no"}, []string{"comparison"}},
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

// A sample's result has every flag that applies, once. Flags of the sidecar come first.
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
