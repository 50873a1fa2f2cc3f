package subset_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// The package selection imports nothing of ours, so the scale of ratings, and what stands for a missing one, are there
// once more.
func TestRatingScales(t *testing.T) {
	t.Parallel()
	if selection.MaxRating != scorer.MaxRating || selection.Missing != scorer.Missing {
		t.Errorf("selection's highest rating is %d and a missing one %d, the scorers' %d and %d",
			selection.MaxRating, selection.Missing, scorer.MaxRating, scorer.Missing)
	}
}
