package scorer

import "math"

const (
	// MaxRating is the highest rating; the lowest is 0.
	MaxRating = 5
	// Missing marks a capability without a rating. A missing expected score, mass or margin is NaN. selection.Missing
	// has the same value.
	Missing = math.MinInt8
	// ExpectedUnits is the number of units in an expected score of 1. Stored expected scores are whole numbers of units,
	// so that their sums and comparisons are exact on every machine.
	ExpectedUnits = 1024
)

// Units converts an expected score in [0, MaxRating] to the nearest number of units; halves are rounded up.
func Units(score float64) uint16 { return uint16(math.Round(score * ExpectedUnits)) }

// FromUnits converts a number of units to an expected score.
func FromUnits(units uint16) float64 { return float64(units) / ExpectedUnits }

// RoundExpected rounds to the nearest multiple of 1/ExpectedUnits, and halves away from zero. A float32 represents the
// result exactly. RoundExpected of NaN is NaN.
func RoundExpected(score float64) float32 {
	return float32(math.Round(score*ExpectedUnits) / ExpectedUnits)
}
