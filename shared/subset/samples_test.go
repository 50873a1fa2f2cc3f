package subset_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// The package selection imports nothing of ours, so the scale of ratings stands there once more.
func TestRatingScales(t *testing.T) {
	t.Parallel()
	if selection.MaxRating != scorer.MaxRating {
		t.Errorf("selection's highest rating is %d, the scorers' %d", selection.MaxRating, scorer.MaxRating)
	}
}
