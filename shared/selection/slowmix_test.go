package selection

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// addMost adds the limits of a mix.
func (p *slowSelection) addMost(add func(c Cap, things int, of func(s uint32) []uint32)) {
	most := func(part Part, has func(s uint32) bool) {
		if _, n := part.bounds(p.params.Budget); n < math.MaxInt {
			add(Cap{Budget{count: n}}, 1, slowNamed(has))
		}
	}
	for name, part := range p.params.Mix.Sources {
		most(part, func(s uint32) bool { return p.pool.SourceNames[p.pool.Source[s]] == name })
	}
	for name, part := range p.params.Mix.Styles {
		most(part, func(s uint32) bool { return slowHasStyle(p.pool, s, name) })
	}
}

// mix picks samples until sources, and then styles, have their minimums.
func (p *slowSelection) mix() {
	fill := func(parts map[string]Part, row func(name string) Shortfall, has func(s uint32, name string) bool) {
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			least, _ := parts[name].bounds(p.params.Budget)
			held := 0
			for s := range p.picked {
				if has(s, name) {
					held++
				}
			}
			samples := slices.DeleteFunc(p.selectable(), func(s uint32) bool { return !has(s, name) })
			p.bestFirst(samples, false)
			for i, s := range samples {
				if held < least && p.spent < p.params.Budget && p.in(s) &&
					p.try(s, Pick{Rule: ByMinimum, Capability: None, Bin: None, Rank: uint32(i + 1)}) {
					held++
				}
			}
			if held < least {
				short := row(name)
				short.Asked, short.Given, short.Cause = least, held, CauseRemoved
				p.result.Shortfalls = append(p.result.Shortfalls, short)
			}
		}
	}
	fill(p.params.Mix.Sources, func(name string) Shortfall { return Shortfall{Source: name} },
		func(s uint32, name string) bool { return p.pool.SourceNames[p.pool.Source[s]] == name })
	fill(p.params.Mix.Styles, func(name string) Shortfall { return Shortfall{Style: name} },
		func(s uint32, name string) bool { return slowHasStyle(p.pool, s, name) })
}

func slowHasStyle(pool *Pool, s uint32, name string) bool {
	return slices.ContainsFunc(pool.styles(s), func(style uint32) bool { return pool.StyleNames[style] == name })
}

// slowNamed numbers what has a name 0.
func slowNamed(has func(s uint32) bool) func(s uint32) []uint32 {
	return func(s uint32) []uint32 {
		if has(s) {
			return []uint32{0}
		}
		return nil
	}
}

// slowColumn orders samples by a column: the best number first, and samples without a number last.
func slowColumn(pool *Pool, by string, a, b uint32) int {
	name, lower := strings.CutPrefix(by, "-")
	x, y := pool.values(name)[a], pool.values(name)[b]
	switch {
	case math.IsNaN(x) && math.IsNaN(y) || x == y:
		return 0
	case math.IsNaN(y) || !math.IsNaN(x) && (x > y) != lower:
		return -1
	default:
		return 1
	}
}

func slowHolds(c Condition, v float64) bool {
	return map[string]bool{
		">=": v >= c.Value, "<=": v <= c.Value, ">": v > c.Value, "<": v < c.Value, "==": v == c.Value,
		"!=": v < c.Value || v > c.Value,
	}[c.Operator]
}
