package selection

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A Mix has bounds for the parts of a selection that single sources and styles have. A sample with several styles
// counts once for each style.
type Mix struct {
	Sources map[string]Part `yaml:"sources" json:"sources,omitempty"`
	Styles  map[string]Part `yaml:"styles" json:"styles,omitempty"`
}

// A Part has bounds for the part of a selection that one source or style has: exactly Share, or at least Least and at
// most Most. They are numbers of samples or ratios of the budget. A zero field is no bound.
type Part struct {
	Share Cap `yaml:"share" json:"share,omitzero"`
	Least Cap `yaml:"least" json:"least,omitzero"`
	Most  Cap `yaml:"most" json:"most,omitzero"`
}

// bounds returns the smallest and the largest number of samples at a budget.
func (p Part) bounds(budget int) (least, most int) {
	most = math.MaxInt
	if !p.Share.IsZero() {
		return p.Share.of(budget), p.Share.of(budget)
	}
	if !p.Least.IsZero() {
		least = p.Least.of(budget)
	}
	if !p.Most.IsZero() {
		most = p.Most.of(budget)
	}
	return least, most
}

// IsZero reports whether the mix has no entries.
func (m Mix) IsZero() bool { return len(m.Sources)+len(m.Styles) == 0 }

// LeastSum returns the sum of the minimums of all sources and styles.
func (m Mix) LeastSum(budget int) (sum int) {
	for _, parts := range []map[string]Part{m.Sources, m.Styles} {
		for _, part := range parts {
			least, _ := part.bounds(budget)
			sum += least
		}
	}
	return sum
}

// validate checks the mix as far as possible without a pool.
func (m Mix) validate() error {
	var faults []error
	for _, of := range []struct {
		field string
		parts map[string]Part
	}{{"sources", m.Sources}, {"styles", m.Styles}} {
		for _, name := range slices.Sorted(maps.Keys(of.parts)) {
			part := of.parts[name]
			switch {
			case part == (Part{}):
				faults = append(faults, fmt.Errorf("mix: %s: %q has no share, least or most; give one of these", of.field, name))
			case !part.Share.IsZero() && (!part.Least.IsZero() || !part.Most.IsZero()):
				faults = append(faults,
					fmt.Errorf("mix: %s: %q has a share, and least or most; give only the share, or only the bounds", of.field, name))
			}
		}
	}
	return errors.Join(faults...)
}

// A mixDimension has the sources of a pool, or its styles, with their bounds in a mix.
type mixDimension struct {
	field  string
	reason Reason
	parts  map[string]Part
	names  []string // names of the pool
	of     func(s uint32) []uint32
}

func (m Mix) dimensions(pool *Pool) []mixDimension {
	source := func(s uint32) []uint32 { return pool.Source[s : s+1] }
	return []mixDimension{
		{"sources", ReasonSourceCap, m.Sources, pool.SourceNames, source},
		{"styles", ReasonStyleCap, m.Styles, pool.StyleNames, pool.styles},
	}
}

// limits returns the largest number of samples of each name; nil if there are no limits.
func (d mixDimension) limits(budget int) (limits []int) {
	for i, name := range d.names {
		if _, most := d.parts[name].bounds(budget); most < math.MaxInt {
			if limits == nil {
				limits = slices.Repeat([]int{math.MaxInt}, len(d.names))
			}
			limits[i] = most
		}
	}
	return limits
}

// A mixBound has the required bounds of one source or style, and the number of samples that may be picked.
type mixBound struct {
	name                   string
	least, most, available int
}

// bounds returns the bounds of all names, in the order of the pool. available has the number of samples of each name
// that may be picked.
func (d mixDimension) bounds(budget int, available []int) []mixBound {
	bounds := make([]mixBound, len(d.names))
	for i, name := range d.names {
		least, most := d.parts[name].bounds(budget)
		bounds[i] = mixBound{name, least, most, available[i]}
	}
	return bounds
}

// validateMix returns an error for a mix that is not possible, with the nearest possible mix. It checks sources and
// styles separately.
func (p Params) validateMix(pool *Pool, eligibility *eligibility, included inclusion) error {
	if p.Mix.IsZero() {
		return nil
	}
	if p.InTokens {
		return errors.New("mix: a mix counts samples; give a budget in samples")
	}
	var faults []error
	rated := p.rated(pool)
	for _, d := range p.Mix.dimensions(pool) {
		if len(d.parts) == 0 {
			continue
		}
		available := make([]int, len(d.names))
		for s := range uint32(pool.Len()) {
			if included.marks.has(s) || rated.has(s) && eligibility.reason(s) == "" {
				for _, i := range d.of(s) {
					available[i]++
				}
			}
		}
		bounds := d.bounds(p.Budget, available)
		if why := whyNot(bounds, p.Budget, d.field == "sources"); why != "" {
			faults = append(faults, fmt.Errorf("mix: %s: %s; the nearest possible mix is %s", d.field, why,
				nearestMix(bounds, p.Budget, d.field == "sources")))
		}
	}
	return errors.Join(faults...)
}

// whyNot returns the reason why bounds are not possible; empty if they are possible. exclusive is true if a sample has
// only one of the names, as with sources. Then the minimums add up.
func whyNot(bounds []mixBound, budget int, exclusive bool) string {
	least, most := 0, 0
	for _, b := range bounds {
		switch {
		case b.least > b.most:
			return fmt.Sprintf("%q must have at least %d and at most %d", b.name, b.least, b.most)
		case b.least > b.available:
			return fmt.Sprintf("%q must have at least %d, but only %d can be selected", b.name, b.least, b.available)
		}
		least += b.least
		most += min(b.most, b.available)
	}
	switch {
	case exclusive && least > budget:
		return fmt.Sprintf("together they must have at least %d, but the budget is %d", least, budget)
	case most < budget:
		return fmt.Sprintf("together they can have at most %d, but the budget is %d", most, budget)
	}
	return ""
}

// nearestMix returns the nearest possible mix with the same names. It lowers minimums, in proportion if the budget is
// too small. Then it raises maximums if the budget could not be filled.
func nearestMix(bounds []mixBound, budget int, exclusive bool) string {
	near := slices.Clone(bounds)
	least, most := 0, 0
	for i := range near {
		near[i].least = min(near[i].least, near[i].available)
		near[i].most = max(near[i].most, near[i].least)
		least += near[i].least
	}
	for i := range near {
		if exclusive && least > budget {
			near[i].least = near[i].least * budget / least
		}
		most += min(near[i].most, near[i].available)
	}
	for i := range near { // in the order of the names
		if more := near[i].available - near[i].most; more > 0 && most < budget {
			more = min(more, budget-most)
			near[i].most += more
			most += more
		}
	}
	var words []string
	for i, b := range near {
		var bound []string
		if bounds[i].least > 0 {
			bound = append(bound, fmt.Sprintf("least: %d", b.least))
		}
		if bounds[i].most < math.MaxInt {
			bound = append(bound, fmt.Sprintf("most: %d", b.most))
		}
		if len(bound) > 0 {
			words = append(words, fmt.Sprintf("%s: {%s}", b.name, strings.Join(bound, ", ")))
		}
	}
	text := "{" + strings.Join(words, ", ") + "}"
	if most < budget {
		text += fmt.Sprintf(", at a budget of %d", most)
	}
	return text
}

// fillMix picks samples until sources, and then styles, have their minimums. It handles them in the order of their
// names. It picks samples with the best mean rating over the selection's capabilities first, and ignores thresholds.
func (s *selector) fillMix() {
	if s.params.Mix.IsZero() {
		return
	}
	means := meansOf(s.pool, s.params, false)
	for _, d := range s.params.Mix.dimensions(s.pool) {
		for _, name := range slices.Sorted(maps.Keys(d.parts)) {
			number := uint32(slices.Index(d.names, name))
			least, _ := d.parts[name].bounds(s.params.Budget)
			held := 0
			for _, pick := range s.picks {
				if slices.Contains(d.of(pick.Sample), number) {
					held++
				}
			}
			if held >= least {
				continue
			}
			order := slices.DeleteFunc(s.selectable(), func(sample uint32) bool {
				return !slices.Contains(d.of(sample), number)
			})
			bestFirst(order, means, s.ties)
			if held += s.pickFirst(order, least-held); held < least {
				row := Shortfall{Asked: least, Given: held, Cause: CauseRemoved}
				if d.field == "sources" {
					row.Source = name
				} else {
					row.Style = name
				}
				s.minimumShortfalls = append(s.minimumShortfalls, row)
			}
		}
	}
}
