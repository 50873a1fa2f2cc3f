package selection

import "slices"

// binCandidates gives the candidates of one capability in one bin, best first, and sorts no more of
// them than are asked for: it finds the best few hundred, sorts those, and continues when more are
// needed. It reads one style position of the bin after the other, or all together if the order
// within a bin is by score.
type binCandidates struct {
	ready []uint32 // samples, sorted and not yet given
	next  uint32   // the first of the bin's entries, in groups.entries, that is not read to its end
	end   uint32   // the end of the bin's entries
	// If only some of the candidates that are read together have been sorted, partial is true, and
	// last is the greatest key of those, without its undecided bits.
	partial bool
	last    uint64
}

// The least number of candidates worth sorting together, and the least share of those that are
// read: the share bounds how often a style position is read, for any bins and budgets.
const (
	minBatch   = 32
	batchShare = 16
)

// batch is how many to sort of the candidates found if n are asked for: twice as many, since other
// capabilities pick some of them meanwhile and debt asks for more.
func batch(n, found int) int { return min(max(2*n, minBatch, found/batchShare), found) }

// sortMore makes at least one more candidate ready, and about 2n if there are that many. It reports
// whether there was any. It writes b and the buffers alone, so that the bins of a capability can be
// sorted concurrently.
func (b *binCandidates) sortMore(c *capability, n int, buffers *scratch) bool {
	for b.next < b.end {
		keys := buffers.keys[:0]
		at, position := b.next, c.groups.entries[b.next].position
		for ; at < b.end && (c.byScore || c.groups.entries[at].position == position); at++ {
			entry := c.groups.entries[at]
			for _, s := range c.groups.samples(entry.group) {
				if !c.candidates.has(s) || c.removedBefore.has(s) {
					continue
				}
				if key := c.keys.key(s, entry.position); !b.partial || key>>c.keys.undecidedBits > b.last {
					keys = append(keys, key)
				}
			}
		}
		buffers.keys = keys
		if b.add(c, keys, batch(n, len(keys)), &buffers.sorter) == len(keys) {
			b.next, b.partial = at, false
		}
		if len(keys) > 0 {
			return true
		}
	}
	return false
}

// add appends to ready the samples of the n least keys, and perhaps of some more, and returns their
// number. It reorders the keys.
func (b *binCandidates) add(c *capability, keys []uint64, n int, sorter *keySorter) int {
	if n == 0 {
		return 0
	}
	keys = c.keys.sortLeast(keys, n, sorter)
	b.ready = slices.Grow(b.ready, len(keys))
	for _, key := range keys {
		b.ready = append(b.ready, c.keys.sample(key))
	}
	b.partial, b.last = true, keys[len(keys)-1]>>c.keys.undecidedBits
	return len(keys)
}
