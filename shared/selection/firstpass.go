package selection

import (
	"math"
	"slices"
)

// together is the largest number of capabilities whose first samples are found in one pass. A pass reads the groups of
// all samples once, which takes about as long as its other work for one capability. So more capabilities in a pass save
// time, but the keys of each need memory.
const together = 4

// A firstPass finds the candidates that a capability's first turn will need: those in the best classes of each bin. It
// is used only if the order within a bin is by position. It reads the columns from front to back, while sortMore would
// read them in the order of the groups.
type firstPass struct {
	*capability
	ratings []int8
	cutoffs []int16      // by group: the least rating for the first batch of the group's bin
	bin     []uint32     // by group: this bin
	asked   []uint64     // the bins from which the turn will pick, as in capability.order
	batches []firstBatch // of these bins
	found   []uint64     // the keys of the samples that are found, bin by bin
	next    []uint32     // the index in found of each bin's next key
	fill    bool         // whether the candidates of the capability are to be filled in the same pass
}

// addFirst adds a pass to buffers.firsts. The pass is for a first turn that picks this amount of samples: it finds the
// first batch of each bin from which the turn will pick. The method count must have filled buffers.counts.
func (c *capability) addFirst(buffers *scratch, ratings []int8, amount int) {
	buffers.firsts = buffers.firsts[:len(buffers.firsts)+1]
	f := &buffers.firsts[len(buffers.firsts)-1]
	f.capability, f.ratings = c, ratings
	f.cutoffs = slices.Grow(f.cutoffs[:0], c.groups.len())[:c.groups.len()]
	for group := range f.cutoffs {
		f.cutoffs[group] = math.MaxInt8 + 1
	}
	f.bin = slices.Grow(f.bin[:0], c.groups.len())[:c.groups.len()]
	share := max(amount/len(c.order), 1)
	f.asked = c.order[:min(amount, len(c.order))]
	f.batches = slices.Grow(f.batches[:0], len(f.asked))[:len(f.asked)]
	f.next = slices.Grow(f.next[:0], len(c.bins))[:len(c.bins)]
	size := uint32(0)
	for i, entry := range f.asked {
		bin := uint32(entry)
		f.batches[i] = f.batch(buffers.counts, bin, share)
		f.next[bin] = size
		size += f.batches[i].found
	}
	f.found = slices.Grow(f.found[:0], int(size))[:size]
}

// A firstBatch describes the candidates at a bin's first style position. Their entries end before end. held is their
// number, found the number in the classes of the best, and sorted the number to sort.
type firstBatch struct{ end, held, found, sorted uint32 }

// batch chooses the classes of candidates to sort at a bin's first style position.
func (f *firstPass) batch(counts []classCounts, bin uint32, share int) firstBatch {
	groups := f.groups
	first := firstBatch{end: groups.entryStart[bin]}
	for ; first.end < groups.entryStart[bin+1] && groups.entries[first.end].position == 0; first.end++ {
		for _, n := range counts[groups.entries[first.end].group][1:] {
			first.held += n
		}
	}
	entries := groups.entries[groups.entryStart[bin]:first.end]
	first.sorted = uint32(batch(share, int(first.held)))
	class := uint32(classes)
	for first.found < first.sorted {
		class--
		for _, entry := range entries {
			first.found += counts[entry.group][class]
		}
	}
	for _, entry := range entries {
		f.cutoffs[entry.group], f.bin[entry.group] = int16(max(f.threshold+int32(class), math.MinInt8)), bin
	}
	return first
}

// findFirst makes the passes together, block by block. The parameter `of` has the group of each sample.
func findFirst(of []uint32, passes []firstPass) {
	if len(passes) == 0 {
		return
	}
	var hits [1 << 12]uint32
	for start := 0; start < len(of); start += len(hits) {
		groups := of[start:min(start+len(hits), len(of))]
		for i := range passes {
			passes[i].find(groups, start, &hits)
		}
	}
}

// find makes the keys of the samples of a block that begins at start; of has the groups of these samples.
// hits is memory for samples of the block.
func (f *firstPass) find(of []uint32, start int, hits *[1 << 12]uint32) {
	ratings := f.ratings[start : start+len(of)]
	if f.fill {
		f.candidates.fill(ratings, f.threshold, start)
	}
	cutoffs, n := f.cutoffs, 0 // the number of hits, counted without an unpredictable branch
	for i, rating := range ratings {
		hits[n%len(hits)] = uint32(i)
		n += int(uint32(int32(cutoffs[of[i]])-1-int32(rating)) >> 31) // 1 if the rating is no lower
	}
	for _, i := range hits[:n] {
		bin := f.bin[of[i]]
		f.found[f.next[bin]] = f.keys.key(uint32(start)+i, 0)
		f.next[bin]++
	}
}

// sort sorts the first batches of the bins.
func (f *firstPass) sort(sorter *keySorter) {
	for i, entry := range f.asked {
		bin := uint32(entry)
		b, first := &f.bins[bin], f.batches[i]
		n := b.add(f.capability, f.found[f.next[bin]-first.found:f.next[bin]], int(first.sorted), sorter)
		if n == int(first.held) {
			b.next, b.partial = first.end, false
		}
	}
}
