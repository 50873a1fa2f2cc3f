package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An Allowance is the largest number of samples of a run that may fail. If more fail, nothing is selected from the run.
// It is a share of all samples, or a count. The zero Allowance means that none was given; it allows any number. In JSON
// and YAML an Allowance is a string or a number in a form that ParseAllowance accepts.
type Allowance struct {
	text  string  // as it was given; empty for the zero Allowance
	share float64 // 0 to 1; 0 if it is a count
	count int64   // 0 if it is a share
}

const allowanceForms = `give a percentage ("5%"), a share with a decimal point ("0.05"; "1.0" allows all) ` +
	`or a count of samples ("10"; "0" allows none)`

// ParseAllowance reads a percentage from 0% to 100%, a share from 0.0 to 1.0, or a count from 0. A decimal point
// distinguishes a share from a count.
func ParseAllowance(text string) (Allowance, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	number = strings.TrimSpace(number)
	fault := fmt.Errorf("%q is not a number of failed samples: %s", text, allowanceForms)
	if strings.Trim(number, "0123456789.") != "" {
		return Allowance{}, fault
	}
	a := Allowance{text: strings.ReplaceAll(strings.TrimSpace(text), " ", "")}
	var err error
	if percent || strings.Contains(number, ".") {
		decimal := number
		if percent {
			decimal += "e-2" // more exact than a division by 100
		}
		if a.share, err = strconv.ParseFloat(decimal, 64); a.share > 1 {
			return Allowance{}, fmt.Errorf("%q is more than all samples: %s", text, allowanceForms)
		}
	} else {
		a.count, err = strconv.ParseInt(number, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return Allowance{}, fmt.Errorf("%q is more than all samples: %s", text, allowanceForms)
		}
	}
	if err != nil {
		return Allowance{}, fault
	}
	return a, nil
}

// IsZero reports whether no Allowance was given.
func (a Allowance) IsZero() bool { return a == Allowance{} }

// Or returns a, or other if a was not given.
func (a Allowance) Or(other Allowance) Allowance {
	if a.IsZero() {
		return other
	}
	return a
}

// Allows reports whether a run with this number of samples may have this number of failed samples.
func (a Allowance) Allows(failed, samples int64) bool {
	switch {
	case a.IsZero():
		return true
	case a.share > 0: // 0.29 * 100 is below 29, but 29.0 / 100 is 0.29
		return float64(failed)/float64(max(samples, 1)) <= a.share
	default:
		return failed <= a.count
	}
}

// Within returns an error if the allowance is a count above the number of samples.
func (a Allowance) Within(samples int64) error {
	if a.count > samples {
		return fmt.Errorf("%d samples are more than the %d samples of the run; give 100%% to allow all", a.count, samples)
	}
	return nil
}

// leastAllowance returns the lowest whole percentage that allows this number of failed samples, such as "31%".
func leastAllowance(failed, samples int64) Allowance {
	percent := math.Ceil(100 * float64(failed) / float64(max(samples, 1)))
	return Allowance{text: strconv.FormatFloat(percent, 'f', -1, 64) + "%", share: percent / 100}
}

// String returns the Allowance as it was given; empty if no Allowance was given.
func (a Allowance) String() string { return a.text }

// MarshalText returns the text that String returns.
func (a Allowance) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// UnmarshalText reads a text that ParseAllowance accepts. An empty text is the zero Allowance.
func (a *Allowance) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*a = Allowance{}
		return nil
	}
	parsed, err := ParseAllowance(string(text))
	if err == nil {
		*a = parsed
	}
	return err
}

// UnmarshalJSON reads a string, or the digits of a number; null changes nothing.
func (a *Allowance) UnmarshalJSON(data []byte) error {
	text := string(data)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("reading a number of failed samples: %w", err)
		}
	}
	if text == "null" {
		return nil
	}
	return a.UnmarshalText([]byte(text))
}
