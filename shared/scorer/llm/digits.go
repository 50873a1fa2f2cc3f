package llm

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	// topLogprobs is the number of tokens that requests ask the server to list at each place. Hosted APIs accept no larger
	// number.
	topLogprobs = 20
	// spellings is the number of different tokens for one digit: with white space before it, and without.
	spellings = 2
	// maxUnlisted is the largest total probability of unlisted digits for which no flag is set.
	maxUnlisted = 0.05
	// blanks are the white space that a token may have around its digit.
	blanks = " \t\r\n"
)

// Flags of samples whose expected scores are computed from probabilities.
const (
	// FlagConditional means that the probabilities come from one JSON answer, so each depends on the ratings before it.
	FlagConditional = "conditional"
	// FlagTruncatedMass means that unlisted tokens may have more than maxUnlisted of the probability of the ratings.
	FlagTruncatedMass = "truncated_mass"
)

// Digits is the distribution of the ratings at one place of an answer.
type Digits struct {
	// Probabilities has the probability of each rating from 0 on: the sum over the digit's spellings. A spelling that the
	// server did not list counts as 0.
	Probabilities [scorer.MaxRating + 1]float64 `json:"probabilities"`
	// Unlisted is the largest total probability that unlisted spellings can have.
	Unlisted float64 `json:"unlisted,omitempty"`
	// Other reports that the likeliest token is not a rating.
	Other bool `json:"other,omitempty"`
}

// A reading describes the position of the digit in a token.
type reading struct {
	before string // text of the token before the digit
	whole  bool   // whether the digit must be the end of the token
	// byID reports that the server listed the requested token ids, not the likeliest tokens.
	byID bool
}

// newDigits computes the distribution of the ratings from the listed tokens at the place of t.
func newDigits(t answerToken, r reading) Digits {
	var d Digits
	seen, least, total := 0, 1.0, 0.0
	for _, c := range t.listed() {
		p := c.probability()
		least, total = min(least, p), total+p
		if digit, ok := digitIn(c.text(), r); ok {
			d.Probabilities[digit] += p
			seen++
		}
	}
	d.Unlisted = 1 - total
	if !r.byID { // no unlisted token is likelier than any listed token
		d.Unlisted = min(d.Unlisted, float64(max(spellings*len(d.Probabilities)-seen, 0))*least)
	}
	d.Unlisted = max(d.Unlisted, 0)
	_, isDigit := digitIn(t.likeliest().text(), r)
	d.Other = !isDigit
	return d
}

// digitIn returns the rating that a token spells; ok is false if the token spells no rating.
func digitIn(text string, r reading) (digit int, ok bool) {
	text, found := strings.CutPrefix(strings.TrimLeft(text, blanks), strings.Trim(r.before, blanks))
	text = strings.TrimLeft(text, blanks)
	if !found || text == "" || text[0] < '0' || text[0] > '0'+scorer.MaxRating {
		return 0, false
	}
	rest := strings.TrimRight(text[1:], blanks)
	if rest != "" && (r.whole || strings.ContainsAny(rest[:1], "0123456789.eE")) {
		return 0, false
	}
	return int(text[0] - '0'), true
}

// mass returns the total probability of all ratings.
func (d *Digits) mass() float64 {
	sum := 0.0
	for _, p := range d.Probabilities {
		sum += p
	}
	return min(sum, 1)
}

// likeliest returns the likeliest rating.
func (d *Digits) likeliest() int8 {
	best := 0
	for digit, p := range d.Probabilities {
		if p > d.Probabilities[best] {
			best = digit
		}
	}
	return int8(best)
}

// rate returns the rating in the answer to a question for one digit: the likeliest token, if it is a digit, and if all
// digits together are likely enough. Otherwise the rating is scorer.Missing, and the flag gives the reason.
func (d *Digits) rate() (rating int8, flag string) {
	switch {
	case d.mass() < scorer.MinMass:
		return scorer.Missing, scorer.FlagLowMass
	case d.Other:
		return scorer.Missing, scorer.FlagNoDigit
	}
	return d.likeliest(), ""
}

// measure returns the expected score and the margin; both are NaN if all probabilities are 0.
func (d *Digits) measure() (expected, margin float64) {
	if d.mass() == 0 {
		return math.NaN(), math.NaN()
	}
	var logprobs []float64
	for _, p := range d.Probabilities {
		logprobs = append(logprobs, math.Log(p))
	}
	return scorer.Measure(logprobs)
}

// ratingDigits returns the distributions at the ratings of a valid JSON answer, in the order of capabilities. An entry
// is nil if the token of the rating is not found. The list is nil if the server gives no probabilities.
func ratingDigits(answer reply, capabilities []string) []*Digits {
	if len(answer.tokens) == 0 {
		return nil
	}
	text := unfence(answer.text)
	offsets := ratingOffsets(text)
	all, found := make([]*Digits, len(capabilities)), false
	for i, c := range capabilities {
		offset, known := offsets[c]
		if !known {
			continue
		}
		token, before, ok := tokenAt(answer.tokens, text, offset)
		if !ok || len(token.Top) == 0 {
			continue
		}
		d := newDigits(token, reading{before: before})
		all[i], found = &d, true
	}
	if !found {
		return nil
	}
	return all
}

// ratingOffsets returns, by capability, the byte offset of the last digit of the rating in an answer. parseAnswer must
// have accepted the answer.
func ratingOffsets(text string) map[string]int {
	offsets := map[string]int{}
	dec := json.NewDecoder(strings.NewReader(text))
	// fields calls visit with the name of each field of an object, before its value.
	fields := func(visit func(name string) bool) bool {
		if start, err := dec.Token(); err != nil || start != json.Delim('{') {
			return false
		}
		for dec.More() {
			name, err := dec.Token()
			if text, ok := name.(string); err != nil || !ok || !visit(text) {
				return false
			}
		}
		_, err := dec.Token()
		return err == nil
	}
	var value json.RawMessage
	fields(func(name string) bool {
		if name != "ratings" {
			return dec.Decode(&value) == nil
		}
		return fields(func(capability string) bool {
			if dec.Decode(&value) != nil {
				return false
			}
			offsets[capability] = int(dec.InputOffset()) - 1
			return true
		})
	})
	return offsets
}
