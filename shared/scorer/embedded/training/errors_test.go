package training

import (
	"math"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

// TestRatingErrors compares the errors that sweeps use for the embedded scorer with the errors of the cross-validation
// over sources.
func TestRatingErrors(t *testing.T) {
	t.Parallel()
	base, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	weights, err := embedded.DefaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	stated := embedded.RatingErrors(base.Capabilities)
	all, n := 0.0, 0.0
	compare := func(name string, squares, count float64) {
		found := math.Sqrt(squares / count)
		if math.Abs(found-stated[name]) > 0.005 {
			t.Errorf("%q: the error is %.2f, but sweeps use %.2f", name, found, stated[name])
		}
	}
	for c, name := range base.Capabilities {
		squares, count := 0.0, 0.0
		for i, s := range base.Samples {
			if rating := s.Scores[c]; rating != scorer.Missing {
				off := weights.Expected(c, float64(base.Unseen[i][c])) - float64(rating)
				squares, count = squares+off*off, count+1
			}
		}
		compare(name, squares, count)
		all, n = all+squares, n+count
	}
	compare("", all, n)
}
