package selection

import (
	"slices"
	"strings"
)

// bins groups the samples of a pool by style and source. It knows nothing of ratings, so that all
// capabilities share it.
//
// Inside a selection samples are numbered by rows: sorted by source, within a source in the pool's
// order. All members of a bin are then near each other in whatever is kept by row, which decides
// the speed for pools larger than a processor's cache.
type bins struct {
	sample []uint32 // of each row
	row    []uint32 // of each sample
	// names are style + "+" + source, ascending by code point: a bin's number is its rank by name.
	names []string
	// of holds the bin of each element of Pool.Style.
	of []uint32
	// Bin b has the members member[start[b]:start[b+1]]: first the samples that name its style
	// first, then those that name it second, and so on; within such a place in the pool's order.
	start  []uint32
	member []uint32 // rows
	// place holds the place, from 0, of each member's style in the member's own order.
	place []uint16
}

func newBins(p *Pool) *bins {
	b := &bins{of: make([]uint32, len(p.Style)), sample: samplesBySource(p), row: make([]uint32, p.Len())}
	for row, s := range b.sample {
		b.row[s] = uint32(row)
	}
	size := b.assign(p)
	b.start = make([]uint32, len(size)+1)
	for i, n := range size {
		b.start[i+1] = b.start[i] + n
	}
	b.fill(p)
	return b
}

// assign fills names and of, and returns the number of members of each bin.
func (b *bins) assign(p *Pool) (size []uint32) {
	// Sources are visited one by one, so that a table over the styles alone says which bins of the
	// present source exist: the work is linear even where styles times sources is huge.
	var (
		provisional = make([]uint32, len(p.StyleNames))
		seenIn      = make([]uint32, len(p.StyleNames)) // source + 1
		sizes       []uint32
		names       []string
	)
	for _, s := range b.sample {
		source := p.Source[s]
		for e := p.StyleStart[s]; e < p.StyleStart[s+1]; e++ {
			style := p.Style[e]
			if seenIn[style] != source+1 {
				seenIn[style] = source + 1
				provisional[style] = uint32(len(names))
				names = append(names, p.StyleNames[style]+"+"+p.SourceNames[source])
				sizes = append(sizes, 0)
			}
			b.of[e] = provisional[style]
			sizes[provisional[style]]++
		}
	}

	order := make([]uint32, len(names))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return strings.Compare(names[x], names[y]) })
	rank := make([]uint32, len(names))
	for _, id := range order {
		// A bin is its name: "a" + "b+c" and "a+b" + "c" are one, as in the reference.
		if last := len(b.names) - 1; last < 0 || b.names[last] != names[id] {
			b.names = append(b.names, names[id])
			size = append(size, 0)
		}
		rank[id] = uint32(len(b.names) - 1)
		size[rank[id]] += sizes[id]
	}
	for e, id := range b.of {
		b.of[e] = rank[id]
	}
	return size
}

// fill writes member and place, one place after the other, each from the samples that reach it.
func (b *bins) fill(p *Pool) {
	b.member = make([]uint32, len(p.Style))
	b.place = make([]uint16, len(p.Style))
	next := slices.Clone(b.start)
	put := func(s, e uint32) {
		at := next[b.of[e]]
		next[b.of[e]]++
		b.member[at] = b.row[s]
		b.place[at] = uint16(e - p.StyleStart[s])
	}
	var further []uint32
	for s := range uint32(p.Len()) {
		styles := p.StyleStart[s+1] - p.StyleStart[s]
		if styles > 0 {
			put(s, p.StyleStart[s])
		}
		if styles > 1 {
			further = append(further, s)
		}
	}
	for place := uint32(1); len(further) > 0; place++ {
		still := further[:0]
		for _, s := range further {
			put(s, p.StyleStart[s]+place)
			if p.StyleStart[s]+place+1 < p.StyleStart[s+1] {
				still = append(still, s)
			}
		}
		further = still
	}
}

// samplesBySource lists all samples by source, within a source in the pool's order.
func samplesBySource(p *Pool) []uint32 {
	next := make([]uint32, len(p.SourceNames)+1)
	for _, source := range p.Source {
		next[source+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	samples := make([]uint32, p.Len())
	for s, source := range p.Source {
		samples[next[source]] = uint32(s)
		next[source]++
	}
	return samples
}
