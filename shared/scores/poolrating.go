package scores

import (
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// PoolRating is a rating as a selection.Pool holds it: there, files of the reference implementation
// may have any rating above selection.Missing.
func PoolRating(rating int8) int16 {
	if rating == scorer.Missing {
		return selection.Missing
	}
	return int16(rating)
}

// FromPoolRating is a rating that PoolRating converted.
func FromPoolRating(rating int16) int8 {
	if rating == selection.Missing {
		return scorer.Missing
	}
	return int8(rating)
}
