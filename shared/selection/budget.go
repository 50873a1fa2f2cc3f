package selection

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Budget is the amount to select: a number of samples, a ratio of all samples, or a number of tokens. The zero Budget
// means that no budget was given. In JSON and YAML it is a string or a number in the forms that ParseBudget accepts. It
// is always written as a string, because another program may write the number 1.0 (all samples) as 1 (one sample).
type Budget struct {
	ratio  float64 // in (0, 1]; 0 for a count
	count  int     // from 1; 0 for a ratio
	tokens bool    // whether count is a number of tokens
}

const (
	sampleForms = `give a percentage ("30%"), a ratio with a decimal point ("0.3"; "1.0" is everything) ` +
		`or a count of samples ("500")`
	tokenForms = `give a count of tokens as "200000000-tokens", "200M-tokens" or "1.5B-tokens" ` +
		`(k, M and B are 10^3, 10^6 and 10^9)`
	budgetForms = sampleForms + `; or ` + tokenForms
	tokenSuffix = "-tokens"
)

// ParseBudget parses a percentage above 0% up to 100%, a ratio above 0 up to 1.0, or a count from 1. A decimal point
// distinguishes a ratio from a count: 1 is one sample, 1.0 is all samples. The error lists the accepted forms and, if
// the text is similar to one, the nearest budget.
//
// A count of tokens ends in "-tokens" and may be written in thousands (k), millions (M) or billions
// (B): 200M-tokens.
func ParseBudget(text string) (Budget, error) {
	if number, tokens := strings.CutSuffix(strings.TrimSpace(text), tokenSuffix); tokens {
		return parseTokens(text, number)
	}
	return parseSamples("budget", text)
}

// parseTokens reads a count of tokens from the number that text begins with.
func parseTokens(text, number string) (Budget, error) {
	exponent := 0
	for unit, e := range map[string]int{"k": 3, "M": 6, "B": 9} {
		if shorter, found := strings.CutSuffix(number, unit); found {
			number, exponent = shorter, e
		}
	}
	whole, fraction, point := strings.Cut(number, ".")
	fraction = strings.TrimRight(fraction, "0")
	if !digits(whole) || point && fraction != "" && !digits(fraction) || strings.HasSuffix(number, ".") {
		return Budget{}, fmt.Errorf("budget %q: %s", text, tokenForms)
	}
	if len(fraction) > exponent {
		return Budget{}, fmt.Errorf("budget %q: a number of tokens must be a whole number; %s", text, tokenForms)
	}
	count, err := strconv.Atoi(whole + fraction + strings.Repeat("0", exponent-len(fraction)))
	switch {
	case err != nil:
		return Budget{}, fmt.Errorf("budget %q: the largest count is %d; %s", text, math.MaxInt, tokenForms)
	case count == 0:
		return Budget{}, fmt.Errorf("budget %q: the smallest count is 1; %s", text, tokenForms)
	}
	return Budget{count: count, tokens: true}, nil
}

// parseSamples reads a count or a ratio of samples. noun names the value in errors.
func parseSamples(noun, text string) (Budget, error) {
	forms := sampleForms
	if noun == "budget" {
		forms = budgetForms
	}
	trimmed := strings.TrimSpace(text)
	number, percent := strings.CutSuffix(trimmed, "%")
	number = strings.TrimSpace(number)
	whole, fraction, point := strings.Cut(number, ".")
	for _, word := range []string{"pct", "percent", "per cent"} {
		if share, ok := strings.CutSuffix(strings.ToLower(number), word); ok && !percent {
			near := nearForm(noun, strings.TrimSpace(share), true)
			return Budget{}, fmt.Errorf("%s %q: %s%s", noun, text, near, forms)
		}
	}
	if share := fractionForm(number); share != "" {
		return Budget{}, fmt.Errorf("%s %q: a share cannot be a fraction; write it as %s; %s", noun, text, share, forms)
	}
	if noun == "budget" && strings.ContainsAny(number, "kMB") {
		if _, err := ParseBudget(number + tokenSuffix); err == nil {
			return Budget{}, fmt.Errorf("budget %q: for a number of tokens write %s; %s", text, number+tokenSuffix, forms)
		}
	}
	if !digits(whole) || point && !digits(fraction) {
		return Budget{}, fmt.Errorf("%s %q: %s%s", noun, text, nearForm(noun, number, percent), forms)
	}

	if !percent && !point {
		count, err := strconv.Atoi(number)
		switch {
		case err != nil:
			return Budget{}, fmt.Errorf("%s %q: the largest count is %d; %s", noun, text, math.MaxInt, forms)
		case count == 0:
			return Budget{}, fmt.Errorf("%s %q: %s; %s", noun, text, ofNothing(noun), forms)
		}
		return Budget{count: count}, nil
	}

	// The decimal point is moved in the text, so that 30% and 0.30 give exactly the same number.
	most := "1.0"
	if percent {
		number += "e-2"
		most = "100%"
	}
	ratio, err := strconv.ParseFloat(number, 64)
	if count := strings.TrimRight(fraction, "0"); err == nil && ratio > 1 && count == "" && !percent {
		return Budget{}, fmt.Errorf("%s %q: a decimal point means a share, and the largest is 1.0; "+
			"for %s samples give %s; %s", noun, text, whole, whole, forms)
	}
	switch {
	case err != nil || ratio > 1:
		return Budget{}, fmt.Errorf("%s %q: the largest is %s, which is everything; %s", noun, text, most, forms)
	case ratio == 0:
		return Budget{}, fmt.Errorf("%s %q: %s; %s", noun, text, ofNothing(noun), forms)
	}
	return Budget{ratio: ratio}, nil
}

// ofNothing returns the reason why an amount cannot be zero.
func ofNothing(noun string) string {
	if noun == "cap" {
		return "the smallest cap is one sample, 1; a cap cannot leave out all samples"
	}
	return "nothing would be selected; the smallest is one sample, 1"
}

// fractionForm returns a fraction such as 1/3 as a percentage; "" if text is not a fraction, or is above 1.
func fractionForm(text string) string {
	above, below, is := strings.Cut(text, "/")
	part, errPart := strconv.ParseUint(strings.TrimSpace(above), 10, 32)
	whole, errWhole := strconv.ParseUint(strings.TrimSpace(below), 10, 32)
	if !is || errPart != nil || errWhole != nil || part == 0 || part > whole {
		return ""
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'g', 4, 64) + "%"
}

// inWords returns the budget as a text. For a ratio, it is the percentage with the number of samples.
func (b Budget) inWords(number int) string {
	if b.ratio == 0 {
		return b.String()
	}
	return fmt.Sprintf("%s%% (%d samples)", strconv.FormatFloat(100*b.ratio, 'g', 6, 64), number)
}

// digits reports whether text is one or more of the digits 0 to 9.
func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// nearForm returns a text with the accepted form that is nearest to a number in another form, such as 5e2, +5, .5 or
// 1,000. It returns "" if there is no such form.
func nearForm(noun, number string, percent bool) string {
	value, err := strconv.ParseFloat(strings.NewReplacer(",", "", "_", "", " ", "").Replace(number), 64)
	if err != nil || math.IsNaN(value) {
		return ""
	}
	var near string
	switch {
	case value <= 0:
		near = "1"
	case percent:
		near = strconv.FormatFloat(min(value, 100), 'f', -1, 64) + "%"
	case value < 1:
		near = strconv.FormatFloat(value, 'f', -1, 64)
	case value == 1 && strings.HasSuffix(number, "."):
		near = "1.0" // a decimal point means a share
	case value < 1<<53:
		near = strconv.FormatFloat(math.Round(value), 'f', -1, 64)
	default:
		return ""
	}
	return fmt.Sprintf("the nearest %s is %s; ", noun, near)
}

// Samples returns the number of samples of the budget in a pool of total samples: the count, or the ratio of total,
// rounded down. It may be 0, and a count may exceed total; Params.Validate reports both. It is 0 for a budget in
// tokens.
func (b Budget) Samples(total int) int {
	if b.tokens {
		return 0
	}
	if b.ratio > 0 {
		return int(float64(total) * b.ratio)
	}
	return b.count
}

// Tokens returns the number of tokens of a budget in tokens; 0 for other budgets.
func (b Budget) Tokens() int {
	if b.tokens {
		return b.count
	}
	return 0
}

// Resolve returns the budget as a number of samples or tokens, for a pool of total samples. It returns an error if the
// budget is less than one sample, or more than the pool.
func (b Budget) Resolve(total int) (int, error) {
	if tokens := b.Tokens(); tokens > 0 {
		return tokens, nil
	}
	switch n := b.Samples(total); {
	case n > total:
		return 0, fmt.Errorf("budget: %d samples are more than the run has; the most is %d", n, total)
	case n < 1:
		return 0, fmt.Errorf("budget: %s%% (%s) of %d samples is less than one sample; the least is 1",
			strconv.FormatFloat(100*b.ratio, 'g', 4, 64), b, total)
	default:
		return n, nil
	}
}

// IsZero reports whether no budget was given.
func (b Budget) IsZero() bool { return b == Budget{} }

// String returns the budget in a form that ParseBudget reads as the same budget: a count, or a ratio with a decimal
// point. It is empty if no budget was given.
func (b Budget) String() string {
	switch {
	case b.IsZero():
		return ""
	case b.tokens:
		return strconv.Itoa(b.count) + tokenSuffix
	case b.count > 0:
		return strconv.Itoa(b.count)
	}
	text := strconv.FormatFloat(b.ratio, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// Typed returns the budget in the form that people type: a ratio as a percentage. ParseBudget reads it as the same
// budget.
func (b Budget) Typed() string {
	if b.ratio == 0 {
		return b.String()
	}
	text := strconv.FormatFloat(100*b.ratio, 'g', 12, 64) + "%"
	if read, err := ParseBudget(text); err != nil || read != b {
		return b.String()
	}
	return text
}

// MarshalText returns the text of String.
func (b Budget) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText accepts the same texts as ParseBudget. An empty text is the zero Budget.
func (b *Budget) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = Budget{}
		return nil
	}
	parsed, err := ParseBudget(string(text))
	if err != nil {
		return err
	}
	*b = parsed
	return nil
}

// UnmarshalJSON reads a string or a number. A number is read as it is written, so 1.0 and 1 differ.
func (b *Budget) UnmarshalJSON(data []byte) error { return unmarshalAmount(data, b.UnmarshalText) }

// unmarshalAmount reads a JSON string or number as text; null changes nothing.
func unmarshalAmount(data []byte, read func(text []byte) error) error {
	text := string(data)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("reading an amount: %w", err)
		}
	}
	if text == "null" {
		return nil
	}
	return read([]byte(text))
}
