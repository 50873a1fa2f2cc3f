package selection

import "slices"

// A queue hands out the candidates of one capability in one bin, best first, and sorts no more of
// them than are asked for: it finds the best few hundred, sorts those, and comes back for more. It
// goes through one place of the bin after the other, or where the order is by score through all at
// once.
type queue struct {
	ready []uint32 // samples, sorted and not yet handed out
	next  uint32   // where, in cells.seats, the places begin that are not yet through
	end   uint32   // where the bin's seats end
	// Where part of what is gone through at once has been made ready, last is the greatest key of that part, without its
	// blind bits.
	partial bool
	last    uint64
}

// The least number of candidates worth sorting at once, and the least share of those at hand: the
// share bounds how often a place is read through, whatever the bins and budgets.
const (
	minBatch   = 32
	batchShare = 16
)

// batch is how many to make ready of the candidates found where want are asked for: twice as many,
// since other capabilities pick some of them meanwhile and debt asks for more.
func batch(want, found int) int { return min(max(2*want, minBatch, found/batchShare), found) }

// refill makes ready at least one more candidate, and about twice want where there are so many. It
// reports whether there was any. It writes the queue and the desk alone, so that queues can be
// refilled side by side.
func (q *queue) refill(t *turn, want int, d *desk) bool {
	for q.next < q.end {
		keys := d.keys[:0]
		at, place := q.next, t.cells.seats[q.next].place
		for ; at < q.end && (t.byScore || t.cells.seats[at].place == place); at++ {
			seat := t.cells.seats[at]
			for _, s := range t.cells.samples(seat.cell) {
				if !t.candidates.has(s) || t.before.has(s) {
					continue
				}
				if key := t.keys.key(s, seat.place); !q.partial || key>>t.keys.blind > q.last {
					keys = append(keys, key)
				}
			}
		}
		d.keys = keys
		if q.load(t, keys, batch(want, len(keys))) == len(keys) {
			q.next, q.partial = at, false
		}
		if len(keys) > 0 {
			return true
		}
	}
	return false
}

// load appends to what is ready the samples of the n least of the keys, and of some more perhaps,
// and returns their number. It reorders the keys.
func (q *queue) load(t *turn, keys []uint64, n int) int {
	if n == 0 {
		return 0
	}
	keys = t.keys.sortLeast(keys, n)
	q.ready = slices.Grow(q.ready, len(keys))
	for _, key := range keys {
		q.ready = append(q.ready, t.keys.sample(key))
	}
	q.partial, q.last = true, keys[len(keys)-1]>>t.keys.blind
	return len(keys)
}
