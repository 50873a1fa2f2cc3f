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

// CheckWhole refuses texts that Go reads as whole numbers but people do not write: 1_000, 0x10, and 010 (Go reads 8).
// The error names the text and, if the meaning is clear, the correct text.
func CheckWhole(text string) error {
	if wholeNumber.MatchString(text) {
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil { // leading zeros
		return fmt.Errorf("%q is not a whole number; write %d", text, n)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return fmt.Errorf("%q is not a whole number in decimal digits; write such as %d", text, n)
	}
	return fmt.Errorf("%q is not a whole number", text)
}

// Number reads a finite decimal number, such as -0.5 or 1e-3. Spaces around it are allowed. It refuses texts that Go
// reads but people do not write as numbers: 1_0, 0x10, inf, nan. The error names the text.
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
