package gpu

import (
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// minMass is the least probability that all digits must have together for one of them to be a rating.
const minMass = 0.5

// Flags that this scorer sets, besides those of the sidecar.
const (
	flagLowMass    = "low_mass"         // some rating is missing because of minMass
	flagNoDigit    = "no_digit"         // some rating is missing because another token was likelier
	flagOtherStyle = "other_style"      // the styler named what is no style of the rubric
	flagTruncated  = "styler_truncated" // the styler came to no end
)

// result reads what the sidecars found: an answer for each capability, then the styler's.
func (s *Scorer) result(f finding) scorer.Result {
	if f.reason != "" {
		return scorer.Result{Reason: f.reason}
	}
	result := scorer.Result{Flags: f.flags}
	flags := map[string]bool{}
	for _, a := range f.answers[:len(s.rubric.Capabilities)] {
		rating, flag := rate(a)
		flags[flag] = true
		expected, margin := measure(a.Logprobs)
		result.Ratings = append(result.Ratings, rating)
		result.Expected = append(result.Expected, float32(expected))
		result.Mass = append(result.Mass, float32(min(max(*a.Mass, 0), 1)))
		result.Margin = append(result.Margin, float32(margin))
	}
	said := f.answers[len(s.rubric.Capabilities)]
	result.Styles, result.OtherStyles = styles(*said.Text, said.Truncated, s.rubric.Styles)
	flags[flagTruncated] = said.Truncated
	flags[flagOtherStyle] = len(result.OtherStyles) > 0
	for _, flag := range []string{flagLowMass, flagNoDigit, flagOtherStyle, flagTruncated} {
		if flags[flag] && !slices.Contains(result.Flags, flag) {
			result.Flags = append(result.Flags, flag)
		}
	}
	return result
}

// rate gives the rating of an answer: the likeliest token of the vocabulary if it is a digit, and the
// digits are likely enough; else scorer.Missing and the flag that says why.
func rate(a answer) (rating int8, flag string) {
	digit := slices.Index(digits[:], *a.Argmax)
	switch {
	case *a.Mass < minMass:
		return scorer.Missing, flagLowMass
	case digit < 0:
		return scorer.Missing, flagNoDigit
	}
	return int8(digit), ""
}

// measure gives the mean of the distribution over the digits, normalised, and by how much the likeliest
// digit's probability exceeds the second's.
func measure(logprobs []float64) (expected, margin float64) {
	top := slices.Max(logprobs)
	sum, weighted := 0.0, 0.0
	for digit, l := range logprobs {
		p := math.Exp(l - top) // so that the smallest probabilities still have a mean
		sum += p
		weighted += p * float64(digit)
	}
	sorted := slices.Sorted(slices.Values(logprobs))
	margin = math.Exp(top) - math.Exp(sorted[len(sorted)-2])
	return min(weighted/sum, scorer.MaxRating), min(margin, 1)
}

// styles reads the styler's answer: styles of the rubric in the order named, each once, and whatever
// else it says. The last part of a truncated answer may be the beginning of something else.
func styles(text string, truncated bool, known []string) (ours, others []string) {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		cut := truncated && i == len(parts)-1
		list := &others
		if slices.Contains(known, part) && !cut {
			list = &ours
		}
		if part != "" && !slices.Contains(*list, part) {
			*list = append(*list, part)
		}
	}
	return ours, others
}
