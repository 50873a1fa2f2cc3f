package llm

import (
	"crypto/sha256"
	"encoding/hex"
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
	Reason  string   `json:"reason,omitempty"`
	Ratings []int8   `json:"ratings,omitempty"` // in the order of the rubric's capabilities
	Styles  []string `json:"styles,omitempty"`
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
	if !slices.ContainsFunc(a.Ratings, func(r int8) bool { return r != scorer.MaxRating }) {
		result.Flags = append(result.Flags, FlagAllFives)
	}
	return result
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
