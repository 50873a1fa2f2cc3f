package llm

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// An Answer is a model's answer about a sample, as it is stored: answers/<hash>.json, where the hash is of everything
// that the model was given. It is used by every run. A sample that cannot be rated has
// answers/faults/<run>/<hash>.json: it is used by its run alone, so that a retry, which is another run, asks again.
type Answer struct {
	Scorer string `json:"scorer"`
	Model  string `json:"model"`
	// Reason is the model's own, in one line.
	Reason string `json:"reason,omitempty"`
	// Ratings are in the order of the rubric's capabilities; one that is missing is scorer.Missing.
	Ratings []int8 `json:"ratings,omitempty"`
	// Digits are the probabilities of the ratings, in the same order, nil for one without; nil where the server gives
	// none. Conditional says that they are those of one answer in JSON.
	Digits      []*Digits `json:"digits,omitempty"`
	Conditional bool      `json:"conditional,omitempty"`
	Styles      []string  `json:"styles,omitempty"`
	// Fault is why the sample cannot be rated; the fields above are empty then.
	Fault    *dataset.Fault `json:"fault,omitempty"`
	Requests int            `json:"requests"` // that were answered: 2 where the first answer was invalid
	Usage    Usage          `json:"usage"`
	// Dollars is nil where the price was not known.
	Dollars *float64 `json:"dollars,omitempty"`
	Run     string   `json:"run,omitempty"` // that paid
}

// result is the result of the answer's sample.
func (a *Answer) result() scorer.Result {
	if a.Fault != nil {
		return scorer.Unrated(a.Fault)
	}
	expected := make([]float32, len(a.Ratings))
	for i, r := range a.Ratings {
		expected[i] = float32(r)
	}
	result := scorer.Result{Ratings: a.Ratings, Expected: expected, Styles: a.Styles}
	if a.Digits != nil {
		a.measure(&result)
	}
	if !slices.ContainsFunc(a.Ratings, func(r int8) bool { return r != scorer.MaxRating }) {
		result.Flags = append(result.Flags, FlagAllFives)
	}
	return result
}

// measure gives a result what the probabilities say. In an answer in JSON the rating is the one that stands in it, and
// so is its expected score where the ratings were unlikely there: the server made the model write a number.
func (a *Answer) measure(result *scorer.Result) {
	missing := float32(math.NaN())
	flags := map[string]bool{}
	for i, d := range a.Digits {
		if d == nil {
			result.Mass, result.Margin = append(result.Mass, missing), append(result.Margin, missing)
			continue
		}
		expected, margin := d.measure()
		_, flag := d.rate()
		if a.Conditional && d.mass() < scorer.MinMass {
			margin = math.NaN()
		} else {
			result.Expected[i] = float32(expected)
			flags[FlagConditional] = flags[FlagConditional] || a.Conditional
		}
		if flag != scorer.FlagNoDigit || !a.Conditional {
			flags[flag] = true
		}
		flags[FlagTruncatedMass] = flags[FlagTruncatedMass] || d.Unlisted > maxUnlisted
		result.Mass, result.Margin = append(result.Mass, float32(d.mass())), append(result.Margin, float32(margin))
	}
	for _, flag := range []string{FlagConditional, scorer.FlagLowMass, scorer.FlagNoDigit, FlagTruncatedMass} {
		if flags[flag] {
			result.Flags = append(result.Flags, flag)
		}
	}
}

// answerHash names the answer to a prompt: it is of all that the model is given. How images are prepared is part of
// the scorer's id, so they are hashed as they came. Each field is hashed on its own, so that none can run into the
// next.
func answerHash(scorerID, conversation string, images [][]byte) string {
	all := sha256.New()
	add := func(field []byte) {
		sum := sha256.Sum256(field)
		all.Write(sum[:])
	}
	add([]byte(scorerID))
	add([]byte(conversation))
	for _, data := range images {
		add(data)
	}
	return hex.EncodeToString(all.Sum(nil)[:16])
}
