package spelling

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// decimal matches a number as people write it.
var decimal = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$`)

// wholeNumber matches a whole number as people write it.
var wholeNumber = regexp.MustCompile(`^[-+]?(?:0|[1-9]\d*)$`)

// CheckWhole returns an error if a text is not a whole number as people write it. It also refuses texts that Go reads
// as whole numbers: 1_000, 0x10, and 010, which Go reads as 8. The error names the text and, if the meaning is clear,
// the correct text.
func CheckWhole(text string) error {
	if wholeNumber.MatchString(text) {
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil { // leading zeros
		return fmt.Errorf("%q is not a whole number; write %d", text, n)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return fmt.Errorf("%q is not a whole number in decimal digits; write a number such as %d", text, n)
	}
	return fmt.Errorf("%q is not a whole number", text)
}

// Number returns the value of a finite decimal number, such as -0.5 or 1e-3. Spaces around the number are allowed.
// Number refuses texts that Go reads as numbers but people do not write: 1_0, 0x10, inf, nan. The error names the text.
func Number(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if !decimal.MatchString(text) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, Value(text, err)
	}
	return v, nil
}
