package scorer

import (
	"math"
	"slices"
)

// MinMass is the least probability that all ratings must have together for the likeliest of them to be a rating.
const MinMass = 0.5

// Flags of samples whose ratings are read from probabilities.
const (
	FlagLowMass = "low_mass" // the ratings of some capability have less than MinMass together
	FlagNoDigit = "no_digit" // some rating is missing because another token was likelier
)

// Measure is the mean of the normalised distribution over the ratings, whose logarithms of probabilities are given
// from 0 on, and by how much the probability of the likeliest rating exceeds that of the second.
func Measure(logprobs []float64) (expected, margin float64) {
	top := slices.Max(logprobs)
	sum, weighted := 0.0, 0.0
	for rating, l := range logprobs {
		p := math.Exp(l - top) // so that the smallest probabilities still have a mean
		sum += p
		weighted += p * float64(rating)
	}
	sorted := slices.Sorted(slices.Values(logprobs))
	margin = math.Exp(top) - math.Exp(sorted[len(sorted)-2])
	return min(weighted/sum, MaxRating), min(margin, 1)
}
