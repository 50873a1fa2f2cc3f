package selection

import (
	"math"
	"slices"
)

// A turn is one capability's view of the pool, kept from one of its turns to the next.
type turn struct {
	cells      *cells
	capability int
	weight     float64
	threshold  int32
	byScore    bool
	keys       keyring
	candidates bitset // those whose rating exceeds the threshold
	before     bitset // the selector's
	// live counts, for each bin, the candidates that were not out when the present turn began: caught
	// is the number of samples that had gone by then.
	live   []uint32
	caught int
	held   []uint32 // live before the first turn
	queues []queue
	order  []uint64 // as orderBins says
	// In units of the budget, asked is its part of the first round and given what it has picked.
	asked, given int
	dry          []dryBin
	result       Turns
}

// Ratings that exceed the threshold by 1 to classes-2 have a class each, those beyond share the
// last: enough to tell all ratings of our scorers apart. Class 0 holds all that do not qualify.
const classes = 8

// classCounts counts samples by class.
type classCounts [classes]uint32

// A start says what a cell brings to the queue of the first of its bins: the samples from a class
// upwards.
type start struct{ bin, class uint32 }

func (t *turn) class(rating int16) uint32 {
	return uint32(min(max(int32(rating)-t.threshold, 0), classes-1))
}

// open counts the candidates and, where the order within a bin is by position, fills the queues with
// what a first turn for part samples will ask for. It reads the columns from front to back, where
// refill would go to and fro: once to count the classes in each cell, and once to take out those
// classes that the best of each bin are in.
func (t *turn) open(d *desk, ratings []int16, expected []uint16, ties *ties, part int) {
	most, lastPlace := classes-2, uint32(0)
	if t.count(d, ratings) {
		most = math.MaxUint16
	}
	if t.byScore {
		lastPlace = t.cells.lastPlace()
	}
	t.keys = newKeyring(ratings, expected, t.threshold, most, lastPlace, ties)
	t.queues = make([]queue, len(t.cells.binNames))
	for bin := range t.queues {
		t.queues[bin] = queue{next: t.cells.seatStart[bin], end: t.cells.seatStart[bin+1]}
	}
	t.orderBins()
	if len(t.order) == 0 || t.byScore {
		return
	}

	if d.starts == nil {
		d.starts = make([]start, t.cells.len())
	}
	for cell := range d.starts {
		d.starts[cell].class = classes
	}
	share := max(part/len(t.order), 1)
	asked := t.order[:min(part, len(t.order))]
	heads := make([]head, len(asked))
	next := make([]uint32, len(t.queues)) // where in the keys the next one of each bin goes
	size := uint32(0)
	for i, entry := range asked {
		bin := uint32(entry)
		heads[i] = t.head(d, bin, share)
		next[bin] = size
		size += heads[i].found
	}

	d.keys = slices.Grow(d.keys[:0], int(size))[:size]
	of := t.cells.of[:len(ratings)]
	for s, rating := range ratings {
		if start := d.starts[of[s]]; t.class(rating) >= start.class {
			d.keys[next[start.bin]] = t.keys.key(uint32(s), 0)
			next[start.bin]++
		}
	}
	for i, entry := range asked {
		bin := uint32(entry)
		q, h := &t.queues[bin], heads[i]
		n := q.load(t, d.keys[next[bin]-h.found:next[bin]], int(h.batch))
		if n == int(h.held) {
			q.next, q.partial = h.end, false
		}
	}
}

// A head is the first place of a bin: it ends before a seat, holds so many candidates, and so many
// of them were found to be of the classes that hold the best, of which a batch is to be sorted.
type head struct{ end, held, found, batch uint32 }

// head chooses the classes to take out of a bin's first place.
func (t *turn) head(d *desk, bin uint32, share int) head {
	h := head{end: t.cells.seatStart[bin]}
	for ; h.end < t.cells.seatStart[bin+1] && t.cells.seats[h.end].place == 0; h.end++ {
		for _, n := range d.counts[t.cells.seats[h.end].cell][1:] {
			h.held += n
		}
	}
	seats := t.cells.seats[t.cells.seatStart[bin]:h.end]
	h.batch = uint32(batch(share, int(h.held)))
	class := uint32(classes)
	for h.found < h.batch {
		class--
		for _, seat := range seats {
			h.found += d.counts[seat.cell][class]
		}
	}
	for _, seat := range seats {
		d.starts[seat.cell] = start{bin, class}
	}
	return h
}

// count finds the candidates, and counts those of each class in each cell, of each bin, and of all.
// It reports whether there are any in the class of those that exceed the threshold furthest.
func (t *turn) count(d *desk, ratings []int16) (beyond bool) {
	if d.counts == nil {
		d.counts = make([]classCounts, t.cells.len())
	}
	clear(d.counts)
	of := t.cells.of[:len(ratings)]
	t.candidates = newBitset(len(ratings))
	for i := range t.candidates {
		word := uint64(0)
		for s := 64 * i; s < min(64*i+64, len(ratings)); s++ {
			class := t.class(ratings[s])
			d.counts[of[s]][class]++
			word |= uint64((class+classes-1)/classes) << (s % 64)
		}
		t.candidates[i] = word
	}
	t.live = make([]uint32, len(t.cells.binNames))
	for cell := uint32(1); int(cell) < t.cells.len(); cell++ {
		n := uint32(0)
		for _, count := range d.counts[cell][1:] {
			n += count
		}
		t.result.Candidates += int(n)
		for _, bin := range t.cells.bins(cell) {
			t.live[bin] += n
		}
		beyond = beyond || d.counts[cell][classes-1] > 0
	}
	t.held = slices.Clone(t.live)
	return beyond
}

// orderBins lists the bins that hold candidates, by their number, then by name, each as its number
// of candidates in the upper half of a word and its own number in the lower.
func (t *turn) orderBins() {
	t.order = t.order[:0]
	for bin, n := range t.live {
		if n > 0 {
			t.order = append(t.order, uint64(n)<<32|uint64(bin))
		}
	}
	slices.Sort(t.order)
}
