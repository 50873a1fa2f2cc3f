package scorer

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// MostDollars is the largest accepted price or cost limit, in US dollars. A larger number is taken for a typing error.
const MostDollars = 1e9

// CheckDollars reports an amount of US dollars that is not between 0 and MostDollars.
func CheckDollars(v float64) error {
	if !(v >= 0 && v <= MostDollars) {
		return fmt.Errorf("%g is not from 0 to %d US dollars", v, int64(MostDollars))
	}
	return nil
}

// ParseDollars reads a decimal number of US dollars, and checks it with CheckDollars.
func ParseDollars(text string) (float64, error) {
	v, err := spelling.Number(text)
	if err != nil {
		return 0, err
	}
	return v, CheckDollars(v)
}
