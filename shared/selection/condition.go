package selection

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A Condition is a test of a number of a sample, such as `relevance_min>=3`. A sample without the number does not
// fulfil it.
type Condition struct {
	Column   string
	Operator string // one of >=, <=, >, <, ==, !=
	Value    float64
}

// decimal matches a decimal number. Other numbers that Go accepts, such as 1_0 and 0x10, do not match.
var decimal = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$`)

// conditionPattern matches a name, an operator and a number.
var conditionPattern = regexp.MustCompile(`^\s*(.*?[^<>=!\s])\s*(>=|<=|==|!=|>|<|=)\s*([^<>=!\s]+)\s*$`)

// ParseCondition parses a condition. = means ==.
func ParseCondition(text string) (Condition, error) {
	parts := conditionPattern.FindStringSubmatch(text)
	if parts == nil {
		return Condition{}, fmt.Errorf("%q is not a condition; give a column, an operator (>=, <=, >, <, ==, !=) and a "+
			"number, such as relevance_min>=3", text)
	}
	value, err := strconv.ParseFloat(parts[3], 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return Condition{}, fmt.Errorf("%q: %q is too large", text, parts[3])
	case err != nil || !decimal.MatchString(parts[3]):
		return Condition{}, fmt.Errorf("%q: %q is not a number", text, parts[3])
	}
	operator := parts[2]
	if operator == "=" {
		operator = "=="
	}
	return Condition{parts[1], operator, value}, nil
}

// String returns the condition in the form that ParseCondition reads.
func (c Condition) String() string {
	if c.Operator == "" {
		return ""
	}
	return c.Column + c.Operator + strconv.FormatFloat(c.Value, 'g', -1, 64)
}

// MarshalText returns the text of String.
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText accepts the same texts as ParseCondition.
func (c *Condition) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCondition(string(text))
	return err
}

// Holds reports whether a number fulfils the condition. A missing number, NaN, does not.
func (c Condition) Holds(v float64) bool {
	switch c.Operator {
	case ">=":
		return v >= c.Value
	case "<=":
		return v <= c.Value
	case ">":
		return v > c.Value
	case "<":
		return v < c.Value
	case "==":
		return v == c.Value
	default:
		return v != c.Value && !math.IsNaN(v)
	}
}

// A Column has a number for each sample that does not come from a scorer, such as a perplexity. It has NaN for a sample
// without the number.
type Column struct {
	Name   string
	Values []float64
}

// values returns the values of a column; nil if the pool does not have the column.
func (p *Pool) values(name string) []float64 {
	for _, c := range p.Columns {
		if c.Name == name {
			return c.Values
		}
	}
	return nil
}

// A columnOrder orders samples by a column: the higher number first, or the lower number if the name begins with a
// minus. Samples without a number come last.
type columnOrder struct {
	values []float64
	lower  bool
}

// columnOf returns the name of the column, without the minus of an order.
func columnOf(order string) string { return strings.TrimPrefix(order, "-") }

// orderBy returns the order by a column; nil if order is empty.
func (p *Pool) orderBy(order string) *columnOrder {
	if order == "" {
		return nil
	}
	return &columnOrder{p.values(columnOf(order)), strings.HasPrefix(order, "-")}
}

// compare is negative if sample a comes before b. NaN is less than any other number.
func (o *columnOrder) compare(a, b uint32) int {
	x, y := o.values[a], o.values[b]
	if o.lower && !math.IsNaN(x) && !math.IsNaN(y) {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(y, x)
}

// ColumnNames returns the names of the columns that the rules use, each once.
func (r Rules) ColumnNames() []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, c := range r.Where {
		if !seen[c.Column] {
			seen[c.Column] = true
			names = append(names, c.Column)
		}
	}
	for _, order := range []string{r.TieBreak, r.By} {
		if name := columnOf(order); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// validateColumns returns an error if the rules name columns that the pool does not have.
func (r Rules) validateColumns(pool *Pool) error {
	known := make([]string, len(pool.Columns))
	for i, c := range pool.Columns {
		known[i] = c.Name
	}
	var faults []error
	check := func(field, name string) {
		if name != "" {
			faults = append(faults, unknownNames(field, []string{name}, known...))
		}
	}
	for _, c := range r.Where {
		check("where", c.Column)
	}
	check("tie_break", columnOf(r.TieBreak))
	check("by", columnOf(r.By))
	return errors.Join(faults...)
}
