package scorer

import (
	"math"
	"slices"
)

// MinMass is the least total probability of the ratings 0 to MaxRating of a capability. If the total probability is
// lower, the rating is missing.
const MinMass = 0.5

// Flags of samples whose ratings are read from probabilities.
const (
	FlagLowMass = "low_mass" // for some capability, the ratings have a total probability below MinMass
	FlagNoDigit = "no_digit" // some rating is missing, because a token that is not a rating was likelier
)

// Measure normalises a distribution of ratings; logprobs[r] is the logarithm of the probability of rating r. expected
// is the mean of the distribution. margin is the probability of the likeliest rating minus that of the second
// likeliest.
func Measure(logprobs []float64) (expected, margin float64) {
	top := slices.Max(logprobs)
	sum, weighted := 0.0, 0.0
	for rating, l := range logprobs {
		p := math.Exp(l - top) // relative to the largest, so that tiny probabilities do not underflow
		sum += p
		weighted += p * float64(rating)
	}
	sorted := slices.Sorted(slices.Values(logprobs))
	margin = math.Exp(top) - math.Exp(sorted[len(sorted)-2])
	return min(weighted/sum, MaxRating), min(margin, 1)
}
