package selection

import (
	"cmp"
	"math/bits"
	"slices"
)

// sortKeys makes the keys by which the candidates of one capability are compared. The better sample has the lower key.
// From the highest bits, a key has these fields: the difference between the rating and the threshold, negated; if the
// order within a bin is by score, the position of the bin's style in the sample's styles (otherwise candidates at
// different positions are never compared); the expected score, negated; the tie hint; and the sample. Expected scores
// and hints are shortened to the bits that remain.
type sortKeys struct {
	ratings  []int8
	expected []uint16 // nil if expected scores are not compared
	ties     *ties

	highest int32 // the highest rating of which the first field can be made; the field is the difference from it

	positionBits, scoreBits, tieBits, sampleBits int // the widths of the other fields
	scoreCut                                     int // number of low bits of expected scores that are left out
	// undecidedBits is the number of low bits that do not decide which of two samples is better.
	undecidedBits int
}

// newSortKeys returns the sortKeys for style positions up to lastPosition. most is the largest difference between a
// rating and the threshold.
func newSortKeys(
	ratings []int8, expected []uint16, threshold int32, most int, lastPosition uint32, ties *ties,
) sortKeys {
	k := sortKeys{ratings: ratings, expected: expected, ties: ties}
	levelBits := bits.Len(uint(most))
	k.highest = 1<<levelBits - 1 + threshold
	k.positionBits = bits.Len32(lastPosition)
	k.sampleBits = bits.Len(uint(len(ratings) - 1))
	room := 64 - levelBits - k.positionBits - k.sampleBits
	if expected != nil {
		k.scoreBits = min(ties.expectedBits, room)
		k.scoreCut = ties.expectedBits - k.scoreBits
	}
	if ties.hints != nil {
		k.tieBits = min(room-k.scoreBits, 32)
	}
	if ties.hints != nil || k.scoreCut > 0 {
		k.undecidedBits = k.sampleBits
	}
	return k
}

// key returns the key of a sample whose rating exceeds the threshold, at a style position.
func (k *sortKeys) key(s, position uint32) uint64 {
	// All widths are below 64; masks of 63 spare the instructions for other widths.
	key := uint64(k.highest - int32(k.ratings[s]))
	if k.positionBits > 0 {
		key = key<<(k.positionBits&63) | uint64(position)
	}
	if k.expected != nil {
		key = key<<(k.scoreBits&63) | (1<<(k.scoreBits&63) - 1 - uint64(k.expected[s])>>(k.scoreCut&63))
	}
	if hints := k.ties.hints; hints != nil {
		key = key<<(k.tieBits&63) | uint64(hints[s])>>((32-k.tieBits)&63)
	}
	return key<<(k.sampleBits&63) | uint64(s)
}

// positionStep returns the difference of a sample's keys at two successive style positions.
func (k *sortKeys) positionStep() uint64 {
	if k.positionBits == 0 {
		return 0
	}
	return 1 << (k.scoreBits + k.tieBits + k.sampleBits)
}

// compareKeys orders keys in the order of their samples.
func (k *sortKeys) compareKeys(a, b uint64) int {
	if a>>k.undecidedBits != b>>k.undecidedBits {
		return cmp.Compare(a, b)
	}
	return k.compare(k.sample(a), k.sample(b))
}

// compare orders two samples whose keys differ only in the undecided bits.
func (k *sortKeys) compare(a, b uint32) int {
	if k.scoreCut > 0 && k.expected[a] != k.expected[b] {
		return cmp.Compare(k.expected[b], k.expected[a])
	}
	return k.ties.compare(a, b)
}

// sample returns the sample of a key.
func (k *sortKeys) sample(key uint64) uint32 { return uint32(key & (1<<k.sampleBits - 1)) }

// sortLeast reorders keys, which must be different, so that at least the n best keys come first and are sorted. It
// returns these keys. It returns more than n keys if further keys differ from the last of them only in the undecided
// bits. So all other keys are greater in the decided bits.
func (k *sortKeys) sortLeast(keys []uint64, n int, sorter *keySorter) []uint64 {
	leastFirst(keys, n)
	if k.undecidedBits > 0 && n < len(keys) {
		last := slices.Max(keys[:n]) >> k.undecidedBits
		for i := n; i < len(keys); i++ {
			if keys[i]>>k.undecidedBits == last {
				keys[i], keys[n] = keys[n], keys[i]
				n++
			}
		}
	}
	keys = keys[:n]
	sorter.sort(keys)
	if k.undecidedBits == 0 {
		return keys
	}
	for start := 0; start < n; {
		end := start + 1
		for end < n && keys[end]>>k.undecidedBits == keys[start]>>k.undecidedBits {
			end++
		}
		if end-start > 1 {
			slices.SortFunc(keys[start:end], func(a, b uint64) int { return k.compare(k.sample(a), k.sample(b)) })
		}
		start = end
	}
	return keys
}

// leastFirst reorders keys, which must be different, so that the n least keys come first, in any order (quickselect).
func leastFirst(keys []uint64, n int) {
	if n == len(keys) {
		return
	}
	// Sort a few elements, because that is as fast. Also sort after too many bad pivots, so that the worst case is n log
	// n.
	const few = 12
	for tries := 4 * bits.Len(uint(len(keys))); tries > 0 && len(keys) > few; tries-- {
		first, middle, last := keys[0], keys[len(keys)/2], keys[len(keys)-1]
		pivot := max(min(first, middle), min(max(first, middle), last))
		i, j := 0, len(keys)-1
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i++
				j--
			}
		}
		switch {
		case n <= j+1:
			keys = keys[:j+1]
		case n >= i:
			keys, n = keys[i:], n-i
		default:
			return
		}
		if n == 0 || n == len(keys) {
			return
		}
	}
	slices.Sort(keys)
}
