package selection

import (
	"math"
	"slices"
)

// A capability holds one capability's view of the pool, kept from one of its turns to the next.
type capability struct {
	groups        *groups
	number        int // in the order in which capabilities take turns
	weight        float64
	threshold     int32
	byScore       bool // whether the order within a bin is by score
	keys          sortKeys
	candidates    bitset // samples whose rating exceeds the threshold; shared, not to be changed
	removedBefore bitset // the selector's
	// available counts, for each bin, the candidates that could be picked when the current turn
	// began: seen is how many samples had been removed by then.
	available []uint32
	seen      int
	initially []uint32        // available before the first turn
	bins      []binCandidates // of each bin
	order     []uint64        // as orderBins says
	// In units of the budget, asked is its amount of the first round and given what it has picked.
	asked, given int
	shortBins    []shortBin
	result       CapabilityResult
}

// Ratings that exceed the threshold by 1 to classes-2 have a class each, those beyond share the
// last: enough to distinguish all ratings of our scorers. Class 0 holds all that do not qualify.
const classes = 8

// classCounts counts samples by class.
type classCounts [classes]uint32

// A cutoff says which samples of a group are in the first batch of a bin: those with a rating and above.
type cutoff struct {
	bin    uint32
	rating int32
}

func (c *capability) class(rating int8) uint32 {
	return uint32(min(max(int32(rating)-c.threshold, 0), classes-1))
}

// prepare counts the candidates and, if the order within a bin is by position, sorts those that a
// first turn for an amount of samples will ask for, unless the amount is 0. It reads the columns from
// front to back, where sortMore would read them in the order of the groups: once to count the classes
// in each group, and once to take out those classes that the best of each bin are in.
//
// Cells, if they are known, spare the first of the two.
func (c *capability) prepare(
	buffers *scratch, ratings []int8, cells []cell, expected []uint16, ties *ties, amount int,
) {
	most, lastPosition := classes-2, uint32(0)
	if c.count(buffers, ratings, cells) {
		most = math.MaxUint8
	}
	if c.byScore {
		lastPosition = c.groups.lastPosition()
	}
	c.keys = newSortKeys(ratings, expected, c.threshold, most, lastPosition, ties)
	c.bins = make([]binCandidates, len(c.groups.binNames))
	for bin := range c.bins {
		c.bins[bin] = binCandidates{next: c.groups.entryStart[bin], end: c.groups.entryStart[bin+1]}
	}
	c.orderBins()
	if len(c.order) > 0 && !c.byScore && amount > 0 {
		c.sortFirst(buffers, ratings, amount)
	}
}

// sortFirst sorts the first batch of each bin that a first turn for an amount of samples will ask.
func (c *capability) sortFirst(buffers *scratch, ratings []int8, amount int) {
	if buffers.cutoffs == nil {
		buffers.cutoffs = make([]cutoff, c.groups.len())
	}
	for group := range buffers.cutoffs {
		buffers.cutoffs[group].rating = math.MaxInt8 + 1
	}
	share := max(amount/len(c.order), 1)
	asked := c.order[:min(amount, len(c.order))]
	batches := make([]firstBatch, len(asked))
	next := make([]uint32, len(c.bins)) // the index in keys of each bin's next one
	size := uint32(0)
	for i, entry := range asked {
		bin := uint32(entry)
		batches[i] = c.firstBatch(buffers, bin, share)
		next[bin] = size
		size += batches[i].found
	}

	buffers.keys = slices.Grow(buffers.keys[:0], int(size))[:size]
	var hits [1 << 12]uint32 // samples of one block: found without a branch, which no processor could predict
	for start := 0; start < len(ratings); start += len(hits) {
		block := ratings[start:min(start+len(hits), len(ratings))]
		of := c.groups.of[start : start+len(block)]
		n := 0
		for i, rating := range block {
			hits[n] = uint32(start + i)
			n += int(uint32(buffers.cutoffs[of[i]].rating-1-int32(rating)) >> 31) // 1 if the rating is no lower
		}
		for _, s := range hits[:n] {
			bin := buffers.cutoffs[c.groups.of[s]].bin
			buffers.keys[next[bin]] = c.keys.key(s, 0)
			next[bin]++
		}
	}
	for i, entry := range asked {
		bin := uint32(entry)
		b, first := &c.bins[bin], batches[i]
		n := b.add(c, buffers.keys[next[bin]-first.found:next[bin]], int(first.sorted), &buffers.sorter)
		if n == int(first.held) {
			b.next, b.partial = first.end, false
		}
	}
}

// A firstBatch describes the candidates of a bin's first style position: its entries end before
// end, held is the number of candidates, found that of the classes that hold the best ones, and
// sorted is how many of these have to be sorted.
type firstBatch struct{ end, held, found, sorted uint32 }

// firstBatch chooses the classes to take out of a bin's first style position.
func (c *capability) firstBatch(buffers *scratch, bin uint32, share int) firstBatch {
	first := firstBatch{end: c.groups.entryStart[bin]}
	for ; first.end < c.groups.entryStart[bin+1] && c.groups.entries[first.end].position == 0; first.end++ {
		for _, n := range buffers.counts[c.groups.entries[first.end].group][1:] {
			first.held += n
		}
	}
	entries := c.groups.entries[c.groups.entryStart[bin]:first.end]
	first.sorted = uint32(batch(share, int(first.held)))
	class := uint32(classes)
	for first.found < first.sorted {
		class--
		for _, entry := range entries {
			first.found += buffers.counts[entry.group][class]
		}
	}
	for _, entry := range entries {
		buffers.cutoffs[entry.group] = cutoff{bin, c.threshold + int32(class)}
	}
	return first
}

// count counts the candidates of each class in each group, of each bin, and of all. It reports whether there are any
// in the class of those that exceed the threshold furthest.
func (c *capability) count(buffers *scratch, ratings []int8, cells []cell) (beyond bool) {
	if buffers.counts == nil {
		buffers.counts = make([]classCounts, c.groups.len())
	}
	clear(buffers.counts)
	of := c.groups.of[:len(ratings)]
	for group := range cells {
		for level, n := range cells[group][1:] { // the first is missing ratings
			buffers.counts[group][c.class(int8(level))] += n
		}
	}
	if cells == nil {
		for s, rating := range ratings {
			buffers.counts[of[s]][c.class(rating)]++
		}
	}
	c.available = make([]uint32, len(c.groups.binNames))
	for group := uint32(1); int(group) < c.groups.len(); group++ {
		n := uint32(0)
		for _, count := range buffers.counts[group][1:] {
			n += count
		}
		c.result.Candidates += int(n)
		for _, bin := range c.groups.bins(group) {
			c.available[bin] += n
		}
		beyond = beyond || buffers.counts[group][classes-1] > 0
	}
	c.initially = slices.Clone(c.available)
	return beyond
}

// orderBins lists the bins that hold candidates, by their number of candidates, then by name: each
// as that number in the upper half of a word and the bin's own number in the lower.
func (c *capability) orderBins() {
	c.order = c.order[:0]
	for bin, n := range c.available {
		if n > 0 {
			c.order = append(c.order, uint64(n)<<32|uint64(bin))
		}
	}
	slices.Sort(c.order)
}
