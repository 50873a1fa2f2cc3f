package spelling

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// decimal is a number as people write it.
var decimal = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$`)

// wholeNumber is a whole number as people write it.
var wholeNumber = regexp.MustCompile(`^[-+]?(?:0|[1-9]\d*)$`)

// CheckWhole refuses texts that Go reads as whole numbers and people do not write: 1_000, 0x10, and 010, which Go reads
// as 8. The error names the text and, if the meaning is clear, what to write.
func CheckWhole(text string) error {
	if wholeNumber.MatchString(text) {
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil { // zeros at the beginning
		return fmt.Errorf("%q is not a whole number; write %d", text, n)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return fmt.Errorf("%q is not a whole number in decimal digits; write such as %d", text, n)
	}
	return fmt.Errorf("%q is not a whole number", text)
}

// Number reads a finite decimal number, such as -0.5 or 1e-3, with spaces around it or none. What Go reads and people
// do not write as numbers is refused: 1_0, 0x10, inf, nan. The error names the text.
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
