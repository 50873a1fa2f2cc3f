package selection

import (
	"cmp"
	"math/bits"
	"slices"
)

// ties is the order of samples that are equal for a capability. It is the same for all capabilities.
type ties struct {
	pool *Pool
	// column comes before everything else; nil if there is none.
	column *columnOrder
	// sums are, for each sample, the sum over all capabilities of the pool: of expected scores if there are any, else of
	// ratings. A missing rating adds 0. Nil if the index alone decides.
	sums []int32
	// hints order most samples like compare: the lower hint comes first. Samples with equal hints may still differ. Nil if
	// the position in the pool decides.
	hints []uint32
	// expectedBits is the number of bits of the largest expected score.
	expectedBits int
}

// compare is negative if sample a comes before b: by the column, then the larger sum, the lower tie hash, the lower
// index, and the lower position.
func (t *ties) compare(a, b uint32) int {
	if t.column != nil {
		if order := t.column.compare(a, b); order != 0 {
			return order
		}
	}
	if t.sums != nil {
		if t.sums[a] != t.sums[b] {
			return cmp.Compare(t.sums[b], t.sums[a])
		}
		if t.pool.Tie != nil && t.pool.Tie[a] != t.pool.Tie[b] {
			return cmp.Compare(t.pool.Tie[a], t.pool.Tie[b])
		}
	}
	if t.pool.Index != nil && t.pool.Index[a] != t.pool.Index[b] {
		return cmp.Compare(t.pool.Index[a], t.pool.Index[b])
	}
	return cmp.Compare(a, b)
}

// newTies prepares the order of a pool's samples by sum, tie hash and index, or by index alone.
func newTies(p *Pool, indexOnly bool, workers int) *ties {
	t := &ties{pool: p}
	if !indexOnly {
		t.sum(workers)
		t.hintSums(workers)
	} else if p.Index != nil && !slices.IsSorted(p.Index) {
		t.hintIndexes()
	}
	return t
}

// newTiesBy prepares the order of a pool's samples by a column, and then by sum, tie hash and index.
func newTiesBy(p *Pool, column *columnOrder, workers int) *ties {
	t := &ties{pool: p, column: column}
	t.sum(workers)
	order := make([]uint32, p.Len())
	for s := range order {
		order[s] = uint32(s)
	}
	slices.SortFunc(order, column.compare)
	t.hints = make([]uint32, p.Len())
	rank := uint32(0)
	for i, s := range order {
		if i > 0 && column.compare(order[i-1], s) != 0 {
			rank++
		}
		t.hints[s] = rank
	}
	return t
}

// sum fills sums and expectedBits.
func (t *ties) sum(workers int) {
	t.sums = make([]int32, t.pool.Len())
	largest := make([]uint16, workers) // the bits of all expected scores, by OR
	inChunks(workers, len(t.sums), func(worker, start, end int) {
		sums := t.sums[start:end]
		for c, ratings := range t.pool.Ratings {
			ratings = ratings[start:end][:len(sums)]
			if t.pool.Expected == nil {
				for i, rating := range ratings {
					if rating == Missing {
						rating = 0
					}
					sums[i] += int32(rating)
				}
				continue
			}
			seen := uint16(0)
			for i, score := range t.pool.Expected[c][start:end][:len(sums)] {
				seen |= score
				if ratings[i] == Missing {
					score = 0
				}
				sums[i] += int32(score)
			}
			largest[worker] |= seen
		}
	})
	for _, seen := range largest {
		t.expectedBits = max(t.expectedBits, bits.Len16(seen))
	}
}

// hintSums makes hints of the sums, and of the tie hashes if bits are left.
func (t *ties) hintSums(workers int) {
	t.hints = make([]uint32, t.pool.Len())
	low, high := slices.Min(t.sums), slices.Max(t.sums)
	width := bits.Len32(uint32(high) - uint32(low))
	inChunks(workers, len(t.hints), func(_, start, end int) {
		for s := start; s < end; s++ {
			hint := uint64(uint32(high)-uint32(t.sums[s])) << (64 - width)
			if t.pool.Tie != nil {
				hint |= t.pool.Tie[s] >> width
			}
			t.hints[s] = uint32(hint >> 32)
		}
	})
}

// hintIndexes makes hints from the indexes.
func (t *ties) hintIndexes() {
	t.hints = make([]uint32, t.pool.Len())
	low, high := slices.Min(t.pool.Index), slices.Max(t.pool.Index)
	surplus := max(bits.Len64(uint64(high)-uint64(low))-32, 0)
	for s, index := range t.pool.Index {
		t.hints[s] = uint32((uint64(index) - uint64(low)) >> surplus)
	}
}
