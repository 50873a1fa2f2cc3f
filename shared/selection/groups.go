package selection

import (
	"math/bits"
	"slices"
	"strings"
)

// groups divides the samples by their properties other than ratings. A group has the samples of one source with the
// same styles in the same order. All samples of a group are in the same bins, at the same style positions. So work on
// bins is done once for a group. Millions of samples have a few thousand groups.
type groups struct {
	// of has the group of each sample. Group 0 has the samples that can never be picked.
	of []uint32
	// Group i has the samples sample[start[i]:start[i+1]], in the pool's order.
	start  []uint32
	sample []uint32
	// Group i is in the bins bin[binStart[i]:binStart[i+1]], in the order of its samples' styles.
	binStart []uint32
	bin      []uint32
	// binNames are style + "+" + source, ascending by code point. A bin's number is its index in binNames.
	binNames []string
	// Bin b has the entries entries[entryStart[b]:entryStart[b+1]], by position.
	entryStart []uint32
	entries    []binEntry
}

// A binEntry is a group in a bin. Its position, from 0, is that of the bin's style in the group's list of styles.
type binEntry struct{ group, position uint32 }

// newGroups groups the eligible samples of a pool. If ineligible is nil, all samples are eligible.
func newGroups(p *Pool, ineligible bitset, workers int) *groups {
	g := &groups{of: make([]uint32, p.Len())}
	first := g.gather(p, ineligible, workers)
	g.nameBins(p, first)
	g.listEntries()
	return g
}

// bins returns the bins of a group.
func (g *groups) bins(group uint32) []uint32 { return g.bin[g.binStart[group]:g.binStart[group+1]] }

// samples returns the samples of a group.
func (g *groups) samples(group uint32) []uint32 { return g.sample[g.start[group]:g.start[group+1]] }

// lastPosition returns the highest position of all entries.
func (g *groups) lastPosition() uint32 {
	last := uint32(0)
	for _, entry := range g.entries {
		last = max(last, entry.position)
	}
	return last
}

// len returns the number of groups.
func (g *groups) len() int { return len(g.start) - 1 }

// gather sets of, start and sample, and returns the first sample of each group. Each worker numbers the groups in one
// range of samples. Then these numbers are unified.
func (g *groups) gather(p *Pool, ineligible bitset, workers int) (first []uint32) {
	var (
		tables  = make([]groupTable, workers)
		numbers = make([][]uint32, workers) // for each worker, the unified numbers of its groups
		next    = make([][]uint32, workers) // for each worker and group, the index in sample of its next sample
		all     = newGroupTable(p)
	)
	bounds := func(worker int) (from, to uint32) {
		return uint32(p.Len() * worker / workers), uint32(p.Len() * (worker + 1) / workers)
	}
	parallel(workers, workers, func(_, i int) {
		tables[i] = newGroupTable(p)
		from, to := bounds(i)
		for s := from; s < to; s++ {
			if ineligible == nil || !ineligible.has(s) {
				g.of[s] = tables[i].group(s)
			}
			tables[i].samples[g.of[s]]++
		}
	})
	for i, table := range tables {
		numbers[i] = make([]uint32, len(table.first))
		for group := 1; group < len(table.first); group++ {
			numbers[i][group] = all.group(table.first[group])
		}
	}
	for i, table := range tables {
		next[i] = make([]uint32, len(all.first))
		for group, n := range table.samples {
			next[i][numbers[i][group]] = n
		}
	}
	g.start = make([]uint32, len(all.first)+1)
	at := uint32(0)
	for group := range all.first {
		for i := range next {
			next[i][group], at = at, at+next[i][group]
		}
		g.start[group+1] = at
	}
	g.sample = make([]uint32, p.Len())
	parallel(workers, workers, func(_, i int) {
		from, to := bounds(i)
		for s := from; s < to; s++ {
			group := numbers[i][g.of[s]]
			g.of[s] = group
			g.sample[next[i][group]] = s
			next[i][group]++
		}
	})
	return all.first
}

// A groupTable numbers groups, from 1 in the order of their first samples. Samples without a style are in group 0. It
// is a hash table with open addressing, because it is read once for every sample. A map would take three times as long.
type groupTable struct {
	pool    *Pool
	first   []uint32 // the first sample of each group
	samples []uint32 // the number of samples of each group; the caller counts
	keys    []uint64 // of each group
	short   bool     // whether all styles and sources fit a short key
	shift   int      // converts a hash to an index in the table
	table   []uint32 // groups; 0 for an empty place
}

func newGroupTable(p *Pool) groupTable {
	const bits = 12
	return groupTable{
		pool: p, first: []uint32{0}, samples: []uint32{0}, keys: []uint64{0}, shift: 64 - bits,
		table: make([]uint32, 1<<bits), short: len(p.StyleNames) < 1<<8 && len(p.SourceNames) <= 1<<24,
	}
}

// A short key has the source and up to shortStyles styles, each plus 1. So it differs for groups that differ, while
// long keys, which are hashes, may be equal. Long keys have the highest bit.
const shortStyles, longKey = 4, 1 << 63

// key returns the key of a sample with n styles. styles has the styles of the sample and of later ones.
func (t *groupTable) key(source uint32, styles []uint32, n uint32) uint64 {
	if t.short && n <= shortStyles && len(styles) >= shortStyles {
		// A loop over the sample's own styles would take twice the time, because its length is unpredictable.
		packed := (styles[0]+1)&0xff | (styles[1]+1)&0xff<<8 | (styles[2]+1)&0xff<<16 | (styles[3]+1)<<24
		return uint64(source)<<32 | uint64(packed)&(1<<(8*n)-1)
	}
	styles = styles[:n]
	if t.short && n <= shortStyles {
		key := uint64(source) << 32
		for i, style := range styles {
			key |= uint64(style+1) << (8 * i)
		}
		return key
	}
	key := uint64(source)
	for _, style := range styles {
		key = (bits.RotateLeft64(key, 23) ^ uint64(style)) * golden
	}
	return key | longKey
}

// golden is 2^64 divided by the golden ratio (Knuth, volume 3, 6.4).
const golden = 0x9e3779b97f4a7c15

// group returns the group of a sample; a new group gets the next number.
func (t *groupTable) group(s uint32) uint32 {
	source, start, end := t.pool.Source[s], t.pool.StyleStart[s], t.pool.StyleStart[s+1]
	if start == end {
		return 0
	}
	key := t.key(source, t.pool.Style[start:], end-start)
	at := key * golden >> t.shift
	for ; t.table[at] != 0; at = t.after(at) {
		group := t.table[at]
		if t.keys[group] != key {
			continue
		}
		if other := t.first[group]; key < longKey || t.pool.Source[other] == source &&
			slices.Equal(t.pool.styles(other), t.pool.styles(s)) {
			return group
		}
	}
	group := uint32(len(t.first))
	t.first, t.samples, t.keys = append(t.first, s), append(t.samples, 0), append(t.keys, key)
	t.table[at] = group
	if 2*len(t.first) > len(t.table) {
		t.grow()
	}
	return group
}

// after returns the index that is probed after at.
func (t *groupTable) after(at uint64) uint64 { return (at + 1) & uint64(len(t.table)-1) }

func (t *groupTable) grow() {
	t.shift--
	t.table = make([]uint32, 2*len(t.table))
	for group := 1; group < len(t.first); group++ {
		at := t.keys[group] * golden >> t.shift
		for t.table[at] != 0 {
			at = t.after(at)
		}
		t.table[at] = uint32(group)
	}
}

// nameBins sets binStart, bin and binNames.
func (g *groups) nameBins(p *Pool, first []uint32) {
	type pair struct{ style, source uint32 }
	var (
		known = make(map[pair]uint32)
		names []string
	)
	g.binStart = make([]uint32, 2, len(first)+1) // two zeros: group 0 is in no bin
	for _, s := range first[1:] {
		for _, style := range p.styles(s) {
			of := pair{style, p.Source[s]}
			id, ok := known[of]
			if !ok {
				id = uint32(len(names))
				known[of] = id
				names = append(names, p.StyleNames[style]+"+"+p.SourceNames[of.source])
			}
			g.bin = append(g.bin, id)
		}
		g.binStart = append(g.binStart, uint32(len(g.bin)))
	}

	order := make([]uint32, len(names))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return strings.Compare(names[x], names[y]) })
	rank := make([]uint32, len(names))
	for _, id := range order {
		// Bins with equal names are one bin, as in the reference: "a" + "b+c" and "a+b" + "c".
		if last := len(g.binNames) - 1; last < 0 || g.binNames[last] != names[id] {
			g.binNames = append(g.binNames, names[id])
		}
		rank[id] = uint32(len(g.binNames) - 1)
	}
	for i, id := range g.bin {
		g.bin[i] = rank[id]
	}
}

// listEntries sets entryStart and entries. It handles one position at a time, for the groups with enough styles.
func (g *groups) listEntries() {
	g.entryStart = make([]uint32, len(g.binNames)+1)
	for _, bin := range g.bin {
		g.entryStart[bin+1]++
	}
	for i := 1; i < len(g.entryStart); i++ {
		g.entryStart[i] += g.entryStart[i-1]
	}
	next := slices.Clone(g.entryStart)
	g.entries = make([]binEntry, len(g.bin))
	remaining := make([]uint32, g.len()-1)
	for i := range remaining {
		remaining[i] = uint32(i + 1)
	}
	for position := uint32(0); len(remaining) > 0; position++ {
		longer := remaining[:0]
		for _, group := range remaining {
			bins := g.bins(group)
			bin := bins[position]
			g.entries[next[bin]] = binEntry{group, position}
			next[bin]++
			if int(position)+1 < len(bins) {
				longer = append(longer, group)
			}
		}
		remaining = longer
	}
}
