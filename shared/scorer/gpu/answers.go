package gpu

import (
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// Flags of this scorer, in addition to the flags for probabilities and the sidecar's own flags.
const (
	flagOtherStyle = "other_style"      // the styler named a style that is not in the rubric
	flagTruncated  = "styler_truncated" // the styler's answer was cut off
)

// result converts the sidecars' answers about a sample to a result. There is one answer for each capability, and then
// the styler's answer.
func (s *Scorer) result(sample sampleAnswers) scorer.Result {
	if sample.fault != nil {
		return scorer.Unrated(sample.fault)
	}
	result := scorer.Result{Flags: sample.flags}
	flags := map[string]bool{}
	for _, a := range sample.answers[:len(s.rubric.Capabilities)] {
		rating, flag := rate(a)
		flags[flag] = true
		expected, margin := scorer.Measure(a.Logprobs)
		result.Ratings = append(result.Ratings, rating)
		result.Expected = append(result.Expected, float32(expected))
		result.Mass = append(result.Mass, float32(min(max(*a.Mass, 0), 1)))
		result.Margin = append(result.Margin, float32(margin))
	}
	styler := sample.answers[len(s.rubric.Capabilities)]
	result.Styles, result.OtherStyles = styles(*styler.Text, styler.Truncated, s.rubric.Styles)
	flags[flagTruncated] = styler.Truncated
	flags[flagOtherStyle] = len(result.OtherStyles) > 0
	for _, flag := range []string{scorer.FlagLowMass, scorer.FlagNoDigit, flagOtherStyle, flagTruncated} {
		if flags[flag] && !slices.Contains(result.Flags, flag) {
			result.Flags = append(result.Flags, flag)
		}
	}
	return result
}

// rate returns the rating of an answer: the likeliest token of the vocabulary, if it is a digit, and if all digits
// together are likely enough. Otherwise the rating is scorer.Missing, and the flag gives the reason.
func rate(a answer) (rating int8, flag string) {
	digit := slices.Index(digits[:], *a.Argmax)
	switch {
	case *a.Mass < scorer.MinMass:
		return scorer.Missing, scorer.FlagLowMass
	case digit < 0:
		return scorer.Missing, scorer.FlagNoDigit
	}
	return int8(digit), ""
}

// styles reads the styler's answer. ours has the names that are styles of the rubric, in the order of the answer, each
// once. others has all other names. The last name of a truncated answer is always in others, because it may be
// incomplete.
func styles(text string, truncated bool, known []string) (ours, others []string) {
	names := strings.Split(text, ",")
	for i, name := range names {
		name = strings.TrimSpace(name)
		cut := truncated && i == len(names)-1
		list := &others
		if slices.Contains(known, name) && !cut {
			list = &ours
		}
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	return ours, others
}
