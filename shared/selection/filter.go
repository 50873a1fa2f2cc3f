package selection

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A Filter names what to keep and what to drop. An empty Keep keeps all.
type Filter struct {
	Keep []string `yaml:"keep" json:"keep,omitempty"`
	Drop []string `yaml:"drop" json:"drop,omitempty"`
}

// validate reports every name that is not among all, or is in both lists.
func (f Filter) validate(field string, all []string) error {
	faults := []error{unknownNames(field+": keep", f.Keep, all), unknownNames(field+": drop", f.Drop, all)}
	for _, name := range f.Keep {
		if slices.Contains(f.Drop, name) {
			faults = append(faults, fmt.Errorf("%s: %q is both kept and dropped; name it in one of the two", field, name))
		}
	}
	return errors.Join(faults...)
}

// A gate knows which samples of a pool take part in a selection.
type gate struct {
	pool *Pool
	// The tables are by style and by source; nil where there is no such filter.
	keepStyle, dropStyle, keepSource []bool
	duplicates, excluded             bitset // nil where there are none
}

func newGate(pool *Pool, params Params) *gate {
	g := &gate{pool: pool}
	if len(params.Styles.Keep) > 0 {
		g.keepStyle = named(params.Styles.Keep, pool.StyleNames)
	}
	if len(params.Styles.Drop) > 0 {
		g.dropStyle = named(params.Styles.Drop, pool.StyleNames)
	}
	if keep, drop := params.Sources.Keep, params.Sources.Drop; len(keep)+len(drop) > 0 {
		g.keepSource = named(keep, pool.SourceNames)
		dropped := named(drop, pool.SourceNames)
		for source := range g.keepSource {
			g.keepSource[source] = (len(keep) == 0 || g.keepSource[source]) && !dropped[source]
		}
	}
	if params.Unique {
		g.findDuplicates()
	}
	if len(params.Exclude) > 0 {
		g.excluded = newBitset(pool.Len())
		for _, s := range params.Exclude {
			g.excluded.set(s)
		}
	}
	return g
}

// open says whether all samples take part.
func (g *gate) open() bool {
	return g.keepStyle == nil && g.dropStyle == nil && g.keepSource == nil && g.duplicates == nil && g.excluded == nil
}

// barred marks the samples that do not take part.
func (g *gate) barred(workers int) bitset {
	barred := newBitset(g.pool.Len())
	inChunks(workers, g.pool.Len(), func(_, start, end int) {
		for s := start; s < end; s++ {
			if g.verdict(uint32(s)) != "" {
				barred.set(uint32(s))
			}
		}
	})
	return barred
}

// verdict is what keeps a sample out; empty where it takes part.
func (g *gate) verdict(s uint32) Reason {
	switch reason := g.filter(s); {
	case reason != "":
		return reason
	case g.duplicates != nil && g.duplicates.has(s):
		return ReasonDuplicate
	case g.excluded != nil && g.excluded.has(s):
		return ReasonExclude
	}
	return ""
}

func (g *gate) filter(s uint32) Reason {
	has := func(table []bool) bool {
		return slices.ContainsFunc(g.pool.styles(s), func(style uint32) bool { return table[style] })
	}
	switch {
	case g.keepStyle != nil && !has(g.keepStyle), g.dropStyle != nil && has(g.dropStyle):
		return ReasonStyle
	case g.keepSource != nil && !g.keepSource[g.pool.Source[s]]:
		return ReasonSource
	}
	return ""
}

// findDuplicates fills duplicates, by means of a table with open addressing of the samples to stay.
func (g *gate) findDuplicates() {
	n := g.pool.Len()
	g.duplicates = newBitset(n)
	size := 1
	for size < 2*n {
		size *= 2
	}
	table := make([]uint32, size) // sample + 1; 0 where there is none
	for s := range uint32(n) {
		content := g.pool.Twin[s]
		if content == [16]byte{} || g.filter(s) != "" {
			continue
		}
		at := binary.LittleEndian.Uint64(content[:]) & uint64(size-1)
		for table[at] != 0 && g.pool.Twin[table[at]-1] != content {
			at = (at + 1) & uint64(size-1)
		}
		switch other := table[at] - 1; {
		case table[at] == 0:
			table[at] = s + 1
		case g.pool.Index != nil && g.pool.Index[s] < g.pool.Index[other]:
			g.duplicates.set(other)
			table[at] = s + 1
		default:
			g.duplicates.set(s)
		}
	}
}

// named marks which of all names are among some.
func named(names, all []string) []bool {
	marks := make([]bool, len(all))
	for i, name := range all {
		marks[i] = slices.Contains(names, name)
	}
	return marks
}
