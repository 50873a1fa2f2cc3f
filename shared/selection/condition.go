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

// A Condition is what a number of a sample must fulfil, such as `relevance_min>=3`. A sample without the number fulfils
// none.
type Condition struct {
	Column   string
	Operator string // one of >=, <=, >, <, ==, !=
	Value    float64
}

// decimal is a number as people write it; forms that only Go reads, such as 1_0 and 0x10, are refused.
var decimal = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$`)

// conditionPattern is a name, an operator and a number.
var conditionPattern = regexp.MustCompile(`^\s*(.*?[^<>=!\s])\s*(>=|<=|==|!=|>|<|=)\s*([^<>=!\s]+)\s*$`)

// ParseCondition reads a condition; = is ==.
func ParseCondition(text string) (Condition, error) {
	parts := conditionPattern.FindStringSubmatch(text)
	if parts == nil {
		return Condition{}, fmt.Errorf("%q is not a condition; give a column, an operator (>=, <=, >, <, ==, !=) and a "+
			"number, such as relevance_min>=3", text)
	}
	value, err := strconv.ParseFloat(parts[3], 64)
	if err != nil || !decimal.MatchString(parts[3]) {
		return Condition{}, fmt.Errorf("%q: %q is not a number", text, parts[3])
	}
	operator := parts[2]
	if operator == "=" {
		operator = "=="
	}
	return Condition{parts[1], operator, value}, nil
}

// String is the condition in the form that ParseCondition reads back.
func (c Condition) String() string {
	if c.Operator == "" {
		return ""
	}
	return c.Column + c.Operator + strconv.FormatFloat(c.Value, 'g', -1, 64)
}

// MarshalText is String.
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseCondition.
func (c *Condition) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCondition(string(text))
	return err
}

// Holds reports whether a number fulfils the condition; a missing one, which is NaN, does not.
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

// A Column holds a number of each sample that no scorer gave: NaN where a sample has none.
type Column struct {
	Name   string
	Values []float64
}

// values are the values of a column; nil if the pool does not have it.
func (p *Pool) values(name string) []float64 {
	for _, c := range p.Columns {
		if c.Name == name {
			return c.Values
		}
	}
	return nil
}

// A columnOrder orders samples by a column: the higher number first, or the lower one where the name has a minus before
// it; samples without a number come last.
type columnOrder struct {
	values []float64
	lower  bool
}

// columnOf is the column that an order names.
func columnOf(order string) string { return strings.TrimPrefix(order, "-") }

// orderBy is an order by a column; nil if the name is empty.
func (p *Pool) orderBy(order string) *columnOrder {
	if order == "" {
		return nil
	}
	return &columnOrder{p.values(columnOf(order)), strings.HasPrefix(order, "-")}
}

// compare is negative if sample a goes before b. NaN is less than any other number.
func (o *columnOrder) compare(a, b uint32) int {
	x, y := o.values[a], o.values[b]
	if o.lower && !math.IsNaN(x) && !math.IsNaN(y) {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(y, x)
}

// ColumnNames are the columns that the rules name, each once.
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

// validateColumns reports the columns that are named and not in the pool.
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
