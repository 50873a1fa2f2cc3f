package scorer_test

import (
	"math"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
)

func TestMeasure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		probabilities    [6]float64
		expected, margin float64
	}{
		"sure":                       {[6]float64{0, 0, 0, 0, 0, 1}, 5, 1},
		"all ratings equally likely": {[6]float64{0.125, 0.125, 0.125, 0.125, 0.125, 0.125}, 2.5, 0},
		"between two":                {[6]float64{0, 0, 0, 0.25, 0.5, 0}, 11.0 / 3, 0.25},
		"normalised":                 {[6]float64{0.01, 0, 0, 0, 0, 0.03}, 3.75, 0.02},
		"tiny probabilities":         {[6]float64{0, 1e-300, 1e-300, 0, 0, 0}, 1.5, 0},
		"the likeliest is last":      {[6]float64{0.1, 0.2, 0, 0, 0, 0.6}, 3.2 / 0.9, 0.4},
	}
	for name, tt := range tests {
		var bounded, exact []float64 // some servers give the probability 0 as a number, others as minus infinity
		for _, p := range tt.probabilities {
			bounded, exact = append(bounded, max(math.Log(p), -1e4)), append(exact, math.Log(p))
		}
		for _, logprobs := range [][]float64{bounded, exact} {
			expected, margin := scorer.Measure(logprobs)
			if math.Abs(expected-tt.expected) > 1e-9 || math.Abs(margin-tt.margin) > 1e-9 {
				t.Errorf("%s: expected score %v, margin %v; want %v, %v", name, expected, margin, tt.expected, tt.margin)
			}
		}
	}
}
