package reference

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/selection"
)

// maxRating is the largest rating, and -maxRating the smallest, because ratings are stored in 8 bits, with one value
// for a missing rating. Valid ratings are 0 to 5; a rating outside of this range is reported (OutsideScale).
const maxRating = math.MaxInt8

// maxDigits is the number of digits above which Python's int refuses a text.
const maxDigits = 4300

// rating converts an answer, a JSON value, to a rating, like the reference: it applies Python's int to the result of
// json.loads. So the fraction of a number is dropped, and true is 1.
func rating(answer json.RawMessage) (int8, error) {
	switch {
	case len(answer) == 0:
		return selection.Missing, nil
	case answer[0] == '"':
		var text string
		if err := json.Unmarshal(answer, &text); err != nil {
			return 0, err
		}
		return integer([]byte(text)), nil
	case answer[0] == 't':
		return 1, nil
	case answer[0] == 'f':
		return 0, nil
	}
	number, err := strconv.ParseFloat(string(answer), 64)
	if err != nil {
		// The answer is null, a list, an object, or a number that overflows. integer accepts only a whole number: in
		// Python, a number with a fraction or an exponent would be infinite, and int refuses infinity.
		return integer(answer), nil
	}
	return int8(max(-maxRating, min(math.Trunc(number), maxRating))), nil
}

// integer returns Python's int of a text, or Missing if int refuses the text. int accepts decimal digits of any script
// with single underscores between them, a sign before them, and white space around them.
func integer(text []byte) int8 {
	if len(text) == 1 && '0' <= text[0] && text[0] <= '9' {
		return int8(text[0] - '0')
	}
	text = bytes.TrimSpace(text)
	negative := false
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		negative = text[0] == '-'
		text = text[1:]
	}
	value, digits, afterDigit := 0, 0, false
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if r == '_' && afterDigit {
			afterDigit = false
			continue
		}
		digit, ok := decimal(r)
		if !ok {
			return selection.Missing
		}
		value = min(value*10+digit, maxRating)
		digits++
		afterDigit = true
	}
	if !afterDigit || digits > maxDigits {
		return selection.Missing
	}
	if negative {
		value = -value
	}
	return int8(value)
}

// decimal returns the value of a decimal digit. Unicode has the digits of each script from 0 to 9 without gaps, so each
// range of the table begins with a 0, and every tenth digit after it is a 0 again.
func decimal(r rune) (int, bool) {
	if '0' <= r && r <= '9' {
		return int(r - '0'), true
	}
	if r < utf8.RuneSelf {
		return 0, false
	}
	for _, digits := range unicode.Nd.R16 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return int(r-rune(digits.Lo)) % 10, true
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if rune(digits.Lo) <= r && r <= rune(digits.Hi) {
			return int(r-rune(digits.Lo)) % 10, true
		}
	}
	return 0, false
}
