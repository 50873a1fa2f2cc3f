package selection

import (
	"encoding/binary"
	"slices"
)

// An eligibility decides which samples of a pool take part in a selection.
type eligibility struct {
	pool *Pool
	// The tables are indexed by style and by source; nil without such a filter.
	keepStyle, dropStyle, keepSource []bool
	duplicates, excluded, near       bitset // nil if no sample is marked
	where                            []columnCondition
}

func newEligibility(pool *Pool, params Params) *eligibility {
	e := &eligibility{pool: pool}
	if len(params.Styles.Keep) > 0 {
		e.keepStyle = named(params.Styles.Keep, pool.StyleNames)
	}
	if len(params.Styles.Drop) > 0 {
		e.dropStyle = named(params.Styles.Drop, pool.StyleNames)
	}
	if keep, drop := params.Sources.Keep, params.Sources.Drop; len(keep)+len(drop) > 0 {
		e.keepSource = named(keep, pool.SourceNames)
		dropped := named(drop, pool.SourceNames)
		for source := range e.keepSource {
			e.keepSource[source] = (len(keep) == 0 || e.keepSource[source]) && !dropped[source]
		}
	}
	for _, c := range params.Where {
		e.where = append(e.where, columnCondition{c, pool.values(c.Column)})
	}
	if params.Unique {
		e.findDuplicates()
	}
	e.excluded, e.near = marked(params.Exclude, pool), marked(params.Near, pool)
	return e
}

// marked returns the samples of a list as a set; nil if the list is empty.
func marked(list []uint32, pool *Pool) bitset {
	if len(list) == 0 {
		return nil
	}
	marks := newBitset(pool.Len())
	for _, s := range list {
		marks.set(s)
	}
	return marks
}

// A columnCondition is a condition with its column.
type columnCondition struct {
	Condition
	values []float64
}

// ineligible returns the set of samples that do not take part; nil if all samples take part.
func (e *eligibility) ineligible(workers int) bitset {
	if e.keepStyle == nil && e.dropStyle == nil && e.keepSource == nil && e.duplicates == nil && e.excluded == nil &&
		e.near == nil && e.where == nil {
		return nil
	}
	marks := newBitset(e.pool.Len())
	inChunks(workers, e.pool.Len(), func(_, start, end int) {
		for s := start; s < end; s++ {
			if e.reason(uint32(s)) != "" {
				marks.set(uint32(s))
			}
		}
	})
	return marks
}

// reason returns the reason why a sample does not take part; empty if it takes part.
func (e *eligibility) reason(s uint32) Reason {
	switch reason := e.filterReason(s); {
	case reason != "":
		return reason
	case e.duplicates != nil && e.duplicates.has(s):
		return ReasonDuplicate
	case e.excluded != nil && e.excluded.has(s):
		return ReasonExclude
	case e.near != nil && e.near.has(s):
		return ReasonNear
	}
	return ""
}

// filterReason returns the reason of the filter that excludes a sample; empty if no filter excludes it.
func (e *eligibility) filterReason(s uint32) Reason {
	has := func(table []bool) bool {
		return slices.ContainsFunc(e.pool.styles(s), func(style uint32) bool { return table[style] })
	}
	switch {
	case e.keepStyle != nil && !has(e.keepStyle), e.dropStyle != nil && has(e.dropStyle):
		return ReasonStyle
	case e.keepSource != nil && !e.keepSource[e.pool.Source[s]]:
		return ReasonSource
	}
	for _, c := range e.where {
		if !c.Holds(c.values[s]) {
			return ReasonColumn
		}
	}
	return ""
}

// findDuplicates sets duplicates. It uses a hash table with open addressing for the samples that are kept.
func (e *eligibility) findDuplicates() {
	n := e.pool.Len()
	e.duplicates = newBitset(n)
	size := 1
	for size < 2*n {
		size *= 2
	}
	table := make([]uint32, size) // sample + 1; 0 for an empty place
	for s := range uint32(n) {
		twin := e.pool.Twin[s]
		if twin == [16]byte{} || e.filterReason(s) != "" {
			continue
		}
		at := binary.LittleEndian.Uint64(twin[:]) & uint64(size-1)
		for table[at] != 0 && e.pool.Twin[table[at]-1] != twin {
			at = (at + 1) & uint64(size-1)
		}
		switch other := table[at] - 1; {
		case table[at] == 0:
			table[at] = s + 1
		case e.pool.Index != nil && e.pool.Index[s] < e.pool.Index[other]:
			e.duplicates.set(other)
			table[at] = s + 1
		default:
			e.duplicates.set(s)
		}
	}
}

// named reports, for each element of all, whether it is one of names.
func named(names, all []string) []bool {
	marks := make([]bool, len(all))
	for i, name := range all {
		marks[i] = slices.Contains(names, name)
	}
	return marks
}
