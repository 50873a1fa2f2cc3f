package llm

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// An Answer is the stored answer of a model about a sample. Its object is answers/<hash>.json. The hash covers
// everything that the model was given, and every run uses the answer. For a sample that cannot be rated, the object is
// answers/faults/<run>/<hash>.json. Only this run uses it. So a retry, which is another run, sends the sample again.
type Answer struct {
	Scorer string `json:"scorer"`
	Model  string `json:"model"`
	// Reason is the reason that the model gave, in one line.
	Reason string `json:"reason,omitempty"`
	// Ratings are in the order of the rubric's capabilities. A missing rating is scorer.Missing.
	Ratings []int8 `json:"ratings,omitempty"`
	// Digits are the probabilities of the ratings, in the same order; an entry is nil if a rating has no probabilities.
	// Digits is nil if the server gives no probabilities. Conditional reports that they come from one JSON answer.
	Digits      []*Digits `json:"digits,omitempty"`
	Conditional bool      `json:"conditional,omitempty"`
	Styles      []string  `json:"styles,omitempty"`
	// Fault is the reason why the sample cannot be rated; the fields above are empty then.
	Fault    *dataset.Fault `json:"fault,omitempty"`
	Requests int            `json:"requests"` // answered requests: 2 if the first answer was invalid
	Usage    Usage          `json:"usage"`
	// Dollars is the cost; nil if the price was not known.
	Dollars *float64 `json:"dollars,omitempty"`
	Run     string   `json:"run,omitempty"` // the run that paid
}

// result converts the answer to the result of its sample.
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

// measure sets expected score, mass and margin from the probabilities. In a JSON answer, the rating is the written
// number. If digits were unlikely at the place of this number, the expected score is the written number, too, because
// the server forced the model to write a digit.
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

// answerHash returns the name of the answer to a prompt: a hash of everything that the model is given. The original
// images are hashed, because the scorer's id covers their preparation. Each field is hashed separately, so that
// different lists of fields have different hashes.
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
