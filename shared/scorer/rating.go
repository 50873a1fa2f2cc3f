package scorer

import "math"

const (
	// MaxRating is the highest rating; the lowest is 0.
	MaxRating = 5
	// Missing is the rating of a capability that was not rated. A missing expected score, mass or
	// margin is NaN. selection.Missing is equal.
	Missing = math.MinInt8
	// ExpectedUnits is the number of units in an expected score of 1. Stored expected scores are
	// whole units, so that sums and comparisons of them are exact on every machine.
	ExpectedUnits = 1024
)

// Units is the number of units nearest to an expected score in [0, MaxRating], halves rounded up.
func Units(score float64) uint16 { return uint16(math.Round(score * ExpectedUnits)) }

// FromUnits converts a number of units to an expected score.
func FromUnits(units uint16) float64 { return float64(units) / ExpectedUnits }

// RoundExpected is the nearest multiple of 1/ExpectedUnits, halves away from zero, exact in a
// float32. NaN stays NaN.
func RoundExpected(score float64) float32 {
	return float32(math.Round(score*ExpectedUnits) / ExpectedUnits)
}
