package spelling_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"3": 3, "-0.5": -0.5, ".5": 0.5, "2.": 2, "+1e-3": 0.001, "007": 7} {
		if got, err := spelling.Number(text); got != want || err != nil {
			t.Errorf("%q is read as %g (%v)", text, got, err)
		}
	}
	if got, err := spelling.Number(" 4 "); got != 4 || err != nil {
		t.Errorf("a number with spaces around it is read as %g (%v)", got, err)
	}
	for text, want := range map[string]string{
		"": `"" is not a number`, "1_0": `"1_0" is not a number`, "0x10": `"0x10" is not a number`,
		"inf":       `"inf" is not a number`,
		"-Infinity": `"-Infinity" is not a number`, "NaN": `"NaN" is not a number`,
		"1e999": `"1e999" is too large or too small`,
		"1,5":   `"1,5" is not a number`, "٣": `"٣" is not a number`,
	} {
		if _, err := spelling.Number(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestNumberOfConditions requires conditions to accept the same numbers as Number. Package selection, which parses
// conditions, has a parser of its own: it does not import package spelling.
func TestNumberOfConditions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"3", "-0.5", ".5", "2.", "+1e-3", "007", "1_0", "0x10", "inf", "NaN", "1e999", "1,5", ".",
	} {
		_, err := spelling.Number(text)
		if _, other := selection.ParseCondition("x>=" + text); (err == nil) != (other == nil) {
			t.Errorf("%q: a number: %v, a condition: %v", text, err, other)
		}
	}
}

func TestCheckWhole(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "", "7": "", "-3": "", "+12": "", "18446744073709551615": "",
		"010":  `"010" is not a whole number; write 10`,
		"0x10": `"0x10" is not a whole number in decimal digits; write a number such as 16`,
		"1_0":  `"1_0" is not a whole number in decimal digits; write a number such as 10`,
		"":     `"" is not a whole number`,
		"1.5":  `"1.5" is not a whole number`, "1 2": `"1 2" is not a whole number`, "many": `"many" is not a whole number`,
	} {
		got := ""
		if err := spelling.CheckWhole(text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
