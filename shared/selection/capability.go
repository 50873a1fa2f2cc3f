package selection

import (
	"math"
	"slices"
)

// A capability is the state of one capability during a selection. It is kept between the capability's turns.
type capability struct {
	groups        *groups
	number        int // index in the order in which capabilities take turns
	weight        float64
	threshold     int32
	byScore       bool // whether the order within a bin is by score
	keys          sortKeys
	candidates    bitset // samples whose rating exceeds the threshold; shared, not to be changed
	removedBefore bitset // the selector's removedBefore
	// available counts, for each bin, the candidates that could be picked when the current turn began. seen is the number
	// of samples that had been removed by then.
	available []uint32
	seen      int
	initially []uint32        // available before the first turn
	bins      []binCandidates // for each bin
	order     []uint64        // set by orderBins
	// asked is the capability's amount in the first round. given is the amount that it has picked. Both are in units of
	// the budget.
	asked, given int
	shortBins    []shortBin
	result       CapabilityResult
}

// classes is the number of classes of ratings. A rating that exceeds the threshold by 1 to classes-2 has the class of
// this difference; higher ratings share the last class. So all ratings of our scorers are distinguished. Class 0 has
// the ratings that do not exceed the threshold.
const classes = 8

// classCounts counts samples by class.
type classCounts [classes]uint32

// A cutoff selects the samples of a group for the first batch of a bin: those with this rating or a higher one.
type cutoff struct {
	bin    uint32
	rating int32
}

func (c *capability) class(rating int8) uint32 {
	return uint32(min(max(int32(rating)-c.threshold, 0), classes-1))
}

// prepare counts the candidates. If the order within a bin is by position and amount is not 0, it also sorts the
// candidates that a first turn for this amount of samples will need. It reads the columns from front to back, while
// sortMore would read them in the order of the groups. It reads them twice: to count the classes in each group, and to
// find the samples in the best classes of each bin. If cells are known, the first reading is not needed.
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

// sortFirst sorts the first batch of each bin from which a first turn for an amount of samples will pick.
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
	next := make([]uint32, len(c.bins)) // the index in keys of each bin's next key
	size := uint32(0)
	for i, entry := range asked {
		bin := uint32(entry)
		batches[i] = c.firstBatch(buffers, bin, share)
		next[bin] = size
		size += batches[i].found
	}

	buffers.keys = slices.Grow(buffers.keys[:0], int(size))[:size]
	var hits [1 << 12]uint32 // samples of one block, found without an unpredictable branch
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

// A firstBatch describes the candidates at a bin's first style position. Their entries end before end. held is their
// number, found the number in the classes of the best, and sorted the number to sort.
type firstBatch struct{ end, held, found, sorted uint32 }

// firstBatch chooses the classes of candidates to sort at a bin's first style position.
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

// count counts the candidates of each class in each group, of each bin, and of all bins. It reports whether there are
// candidates in the last class.
func (c *capability) count(buffers *scratch, ratings []int8, cells []cell) (beyond bool) {
	if buffers.counts == nil {
		buffers.counts = make([]classCounts, c.groups.len())
	}
	clear(buffers.counts)
	of := c.groups.of[:len(ratings)]
	for group := range cells {
		for level, n := range cells[group][1:] { // the first level is missing ratings
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

// orderBins lists the bins that have candidates, by their number of candidates, then by name. An element has the number
// of candidates in the upper half of the word, and the bin's number in the lower half.
func (c *capability) orderBins() {
	c.order = c.order[:0]
	for bin, n := range c.available {
		if n > 0 {
			c.order = append(c.order, uint64(n)<<32|uint64(bin))
		}
	}
	slices.Sort(c.order)
}
