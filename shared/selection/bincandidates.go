package selection

import "slices"

// binCandidates returns the candidates of one capability in one bin, best first. It sorts only as many candidates as
// are needed: it finds and sorts the best few hundred, and continues when more are needed. It reads one style position
// of the bin at a time, or all together if the order within a bin is by score.
type binCandidates struct {
	ready []uint32 // samples, sorted and not yet returned
	next  uint32   // the first entry of the bin, in groups.entries, that is not read completely
	end   uint32   // the end of the bin's entries
	// partial is true if only some of the candidates that are read together have been sorted. last is then the greatest
	// key of the sorted candidates, without its undecided bits.
	partial bool
	last    uint64
}

// minBatch is the smallest number of candidates to sort together, and 1/batchShare the smallest share of the candidates
// that are read. This share limits how often a style position is read, for all bins and budgets.
const (
	minBatch   = 32
	batchShare = 64
)

// batch returns the number of candidates to sort if n candidates are needed; found is the number of candidates. It is
// at least 2n, because other capabilities may pick some of these candidates first, and because debt may require more.
func batch(n, found int) int { return min(max(2*n, minBatch, found/batchShare), found) }

// sortMore makes at least one more candidate ready, and about 2n if there are so many. It returns false if no candidate
// is left. It writes only to b and the buffers, so that the bins of a capability can be sorted concurrently.
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

// add sorts the n least keys, and perhaps some more, appends their samples to ready, and returns the number of samples.
// It reorders the keys.
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
