package spelling

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// decimal is a number as people write it.
var decimal = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$`)

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
