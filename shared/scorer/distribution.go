package scorer

import (
	"math"
	"slices"
)

// MinMass is the least total probability of all ratings; below it, the rating is missing.
const MinMass = 0.5

// Flags of samples whose ratings are read from probabilities.
const (
	FlagLowMass = "low_mass" // the ratings of some capability have less than MinMass together
	FlagNoDigit = "no_digit" // some rating is missing because another token was likelier
)

// Measure takes the logarithms of the probabilities of the ratings, from 0 on, and normalises them. expected is the
// mean of the distribution. margin is the probability of the likeliest rating minus that of the second.
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
