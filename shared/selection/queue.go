package selection

import (
	"cmp"
	"math/bits"
	"slices"
)

// A candidate is a row that a capability may pick, with its merits packed for comparing.
type candidate struct {
	key uint64 // as ranking.key says
	row uint32
}

// A ranking orders the candidates of one capability within one place of a bin.
type ranking struct {
	sample   []uint32 // of each row; the columns below are by sample
	rating   []int16
	expected []uint16 // nil: not compared
	sum      []int32  // nil: not compared
	tie      []uint64 // nil: not compared
	index    []int64  // nil: the position in the pool
}

// key packs what most comparisons are decided by, lower for the better sample. From the top: 16
// bits of rating, 16 of expected score and 32 of sum, each turned round.
func (r *ranking) key(s uint32) uint64 {
	key := uint64(uint16(^r.rating[s])^1<<15) << 48
	if r.expected != nil {
		key |= uint64(^r.expected[s]) << 32
	}
	if r.sum != nil {
		key |= uint64(^uint32(r.sum[s]) ^ 1<<31)
	}
	return key
}

// compare is negative where a goes before b, and zero for the same row only.
func (r *ranking) compare(a, b candidate) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	s, t := r.sample[a.row], r.sample[b.row]
	if r.tie != nil && r.tie[s] != r.tie[t] {
		return cmp.Compare(r.tie[s], r.tie[t])
	}
	if r.index != nil && r.index[s] != r.index[t] {
		return cmp.Compare(r.index[s], r.index[t])
	}
	return cmp.Compare(s, t)
}

// A queue hands out the candidates of one capability in one bin, best first, and sorts no more of
// them than are asked for: it finds the best few hundred, sorts those, and comes back for more.
type queue struct {
	ready []uint32 // rows, sorted and not yet handed out
	next  uint32   // where, in bins.member, the members begin that are not yet through
	end   uint32   // where the bin's members end
	// Where part of a place has been handed out, last is the last of that part.
	partial bool
	last    candidate
}

// The least number of candidates worth sorting at once, and the least share of those at hand: the
// share bounds how often a place is read through, whatever the bins and budgets.
const (
	minBatch   = 32
	batchShare = 16
)

// refill makes ready at least one candidate, twice want where there are so many (other capabilities
// pick some of them meanwhile, and debt asks for more), and reports whether there was any. It reads the turn's candidates and ranking, and writes this queue and the
// desk alone, so queues can be refilled side by side.
func (q *queue) refill(t *turn, want int, d *desk) bool {
	for q.next < q.end {
		found := d.found[:0]
		at, place := q.next, t.bins.place[q.next]
		for ; at < q.end && t.bins.place[at] == place; at++ {
			row := t.bins.member[at]
			if !t.candidates.has(row) {
				continue
			}
			c := candidate{row: row}
			if d.turn == t {
				c.key = d.keys[row]
			} else {
				c.key = t.ranking.key(t.ranking.sample[row])
			}
			if !q.partial || t.ranking.compare(c, q.last) > 0 {
				found = append(found, c)
			}
		}
		d.found = found

		if batch := max(2*want, minBatch, len(found)/batchShare); batch < len(found) {
			bestFirst(found, batch, t.ranking.compare)
			found = found[:batch]
			q.partial = true
		} else {
			q.next = at
			q.partial = false
		}
		if len(found) == 0 {
			continue
		}
		slices.SortFunc(found, t.ranking.compare)
		q.last = found[len(found)-1]
		q.ready = slices.Grow(q.ready[:0], len(found))
		for _, c := range found {
			q.ready = append(q.ready, c.row)
		}
		return true
	}
	q.ready = nil
	return false
}

// bestFirst reorders c so that its n best come first, in no particular order (quickselect).
func bestFirst(c []candidate, n int, compare func(a, b candidate) int) {
	// Below a few elements sorting is as fast; and a run of unlucky pivots ends in sorting too,
	// which keeps the worst case at n log n.
	const few = 12
	for tries := 4 * bits.Len(uint(len(c))); tries > 0 && len(c) > few; tries-- {
		first, middle, last := c[0], c[len(c)/2], c[len(c)-1]
		pivot := median(first, middle, last, compare)
		i, j := 0, len(c)-1
		for i <= j {
			for compare(c[i], pivot) < 0 {
				i++
			}
			for compare(c[j], pivot) > 0 {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i++
				j--
			}
		}
		switch {
		case n <= j+1:
			c = c[:j+1]
		case n >= i:
			c, n = c[i:], n-i
		default:
			return
		}
		if n == 0 || n == len(c) {
			return
		}
	}
	slices.SortFunc(c, compare)
}

func median(a, b, c candidate, compare func(a, b candidate) int) candidate {
	if compare(a, b) > 0 {
		a, b = b, a
	}
	if compare(b, c) > 0 {
		b = c
	}
	if compare(a, b) > 0 {
		b = a
	}
	return b
}
