package subset_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Package selection imports no other package of Harvest, so it has its own copies of the scale of ratings and of the
// mark of a missing rating.
func TestRatingScales(t *testing.T) {
	t.Parallel()
	if selection.MaxRating != scorer.MaxRating || selection.Missing != scorer.Missing {
		t.Errorf("package selection has MaxRating %d and Missing %d, package scorer has %d and %d",
			selection.MaxRating, selection.Missing, scorer.MaxRating, scorer.Missing)
	}
}
