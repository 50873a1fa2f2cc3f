package scorer

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// MostDollars is the largest price, and the largest limit of a cost, in US dollars: more is a slip of the pen.
const MostDollars = 1e9

// CheckDollars reports an amount of US dollars that is not between 0 and MostDollars.
func CheckDollars(v float64) error {
	if !(v >= 0 && v <= MostDollars) {
		return fmt.Errorf("%g is not from 0 to %d US dollars", v, int64(MostDollars))
	}
	return nil
}

// ParseDollars reads an amount of US dollars as CheckDollars allows it, a decimal number.
func ParseDollars(text string) (float64, error) {
	v, err := spelling.Number(text)
	if err != nil {
		return 0, err
	}
	return v, CheckDollars(v)
}
