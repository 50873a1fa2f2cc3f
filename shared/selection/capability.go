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

func (c *capability) class(rating int8) uint32 {
	return uint32(min(max(int32(rating)-c.threshold, 0), classes-1))
}

// prepare counts the candidates and orders the bins. It reads the ratings once, or not at all if cells are known.
func (c *capability) prepare(buffers *scratch, ratings []int8, cells []cell, expected []uint16, ties *ties) {
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
