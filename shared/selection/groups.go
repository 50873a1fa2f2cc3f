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
		}
	})
	for i, table := range tables {
		numbers[i] = make([]uint32, len(table.first))
		for group := 1; group < len(table.first); group++ {
			numbers[i][group] = all.group(table.first[group])
		}
	}
	parallel(workers, workers, func(_, i int) {
		next[i] = make([]uint32, len(all.first))
		from, to := bounds(i)
		for s := from; s < to; s++ {
			g.of[s] = numbers[i][g.of[s]]
			next[i][g.of[s]]++
		}
	})
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
			group := g.of[s]
			g.sample[next[i][group]] = s
			next[i][group]++
		}
	})
	return all.first
}

// A groupTable numbers groups, from 1 in the order of their first samples. Samples without a style are in group 0. It
// is a hash table with open addressing, because it is read once for every sample. A map would take three times as long.
type groupTable struct {
	pool   *Pool
	first  []uint32 // the first sample of each group
	hashes []uint64 // of each group
	shift  int      // converts a hash to an index in the table
	table  []uint32 // groups; 0 for an empty place
}

func newGroupTable(p *Pool) groupTable {
	const bits = 12
	return groupTable{
		pool: p, first: []uint32{0}, hashes: []uint64{0}, shift: 64 - bits, table: make([]uint32, 1<<bits),
	}
}

// group returns the group of a sample; a new group gets the next number.
func (t *groupTable) group(s uint32) uint32 {
	source, styles := t.pool.Source[s], t.pool.styles(s)
	if len(styles) == 0 {
		return 0
	}
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio (Knuth, volume 3, 6.4)
	hash := (uint64(source) + 1) * golden
	for _, style := range styles {
		hash = (bits.RotateLeft64(hash, 23) ^ uint64(style)) * golden
	}
	at := hash >> t.shift
	for ; t.table[at] != 0; at = t.after(at) {
		group := t.table[at]
		other := t.first[group]
		if t.hashes[group] == hash && t.pool.Source[other] == source &&
			slices.Equal(t.pool.styles(other), styles) {
			return group
		}
	}
	group := uint32(len(t.first))
	t.first, t.hashes = append(t.first, s), append(t.hashes, hash)
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
		at := t.hashes[group] >> t.shift
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
