package selection

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// ties is the order of samples that are equal for a capability. It is the same for all capabilities.
type ties struct {
	pool *Pool
	// indexOnly says that neither sums nor tie hashes are compared.
	indexOnly bool
	// sums has the sum of each sample (sum). If sums is nil, each sum is computed when it is needed. This is seldom,
	// because hints decide most comparisons.
	sums []uint32
	// hints order most samples like compare: the lower hint comes first. Samples with equal hints may still differ. Nil if
	// the position in the pool decides.
	hints []uint32
	// expectedBits is the number of bits of the largest expected score.
	expectedBits int
}

// compare is negative if sample a comes before b: by the column, then the larger sum, the lower tie hash, the lower
// index, and the lower position.
func (t *ties) compare(a, b uint32) int {
	if t.hints != nil && t.hints[a] != t.hints[b] {
		return cmp.Compare(t.hints[a], t.hints[b])
	}
	if !t.indexOnly {
		if x, y := t.sum(a), t.sum(b); x != y {
			return cmp.Compare(y, x)
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
	t := &ties{pool: p, indexOnly: indexOnly}
	if !indexOnly {
		t.hints = make([]uint32, p.Len())
		low, high := t.sumAll(t.hints, workers)
		t.hintSums(workers, low, high)
	} else if p.Index != nil && !slices.IsSorted(p.Index) {
		t.hintIndexes()
	}
	return t
}

// newTiesBy prepares the order of a pool's samples by a column, and then by sum, tie hash and index.
func newTiesBy(p *Pool, column *columnOrder, workers int) *ties {
	t := &ties{pool: p, sums: make([]uint32, p.Len())}
	t.sumAll(t.sums, workers)
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

// sum returns the sum of a sample over all capabilities of the pool: of expected scores if there are any, else of
// ratings. A missing rating adds 0.
func (t *ties) sum(s uint32) (sum int32) {
	if t.sums != nil {
		return int32(t.sums[s])
	}
	for c, ratings := range t.pool.Ratings {
		switch {
		case ratings[s] == Missing:
		case t.pool.Expected == nil:
			sum += int32(ratings[s])
		default:
			sum += int32(t.pool.Expected[c][s])
		}
	}
	return sum
}

// sumAll fills sums with the sums of all samples, as the bits of signed numbers, and sets expectedBits. It returns the
// lowest and the highest sum.
func (t *ties) sumAll(sums []uint32, workers int) (low, high int32) {
	seen := make([]uint64, workers) // the bits of all expected scores, by OR
	lows, highs := make([]int32, workers), make([]int32, workers)
	for i := range workers {
		lows[i], highs[i] = math.MaxInt32, math.MinInt32
	}
	inChunks(workers, len(sums), func(worker, start, end int) {
		part := sums[start:end]
		if t.pool.Expected == nil {
			t.sumRatings(part, start)
		} else {
			for from := 0; from < len(part); from += sumBlock {
				seen[worker] |= t.sumExpected(part[from:min(from+sumBlock, len(part))], start+from)
			}
		}
		for _, sum := range part {
			lows[worker], highs[worker] = min(lows[worker], int32(sum)), max(highs[worker], int32(sum))
		}
	})
	for _, scores := range seen {
		t.expectedBits = max(t.expectedBits, bits.Len16(uint16(scores|scores>>16|scores>>32|scores>>48)))
	}
	return slices.Min(lows), slices.Max(highs)
}

// sumRatings adds the ratings of the samples from start on to sums.
func (t *ties) sumRatings(sums []uint32, start int) {
	for _, ratings := range t.pool.Ratings {
		for i, rating := range ratings[start:][:len(sums)] {
			if rating == Missing {
				rating = 0
			}
			sums[i] += uint32(int32(rating))
		}
	}
}

// sumBlock is the number of samples whose expected scores are summed together, a multiple of four.
const sumBlock = 1 << 11

// sumExpected sets sums, which are 0 before, to the sums of the expected scores of the samples from start on, at most
// sumBlock samples. It returns the bits of all these scores, by OR, in any of four lanes of 16 bits.
func (t *ties) sumExpected(sums []uint32, start int) (seen uint64) {
	// Four scores are added at a time: the first and third to a word with two sums, the second and fourth to the next.
	const evenLanes, signs = 0x0000ffff0000ffff, 0x80808080
	var pairs [sumBlock / 2]uint64
	fours := len(sums) / 4
	for c, ratings := range t.pool.Ratings {
		ratings, expected := ratings[start:][:len(sums)], t.pool.Expected[c][start:][:len(sums)]
		for i := range fours {
			e, r := expected[4*i:4*i+4:4*i+4], ratings[4*i:4*i+4:4*i+4]
			scores := uint64(e[0]) | uint64(e[1])<<16 | uint64(e[2])<<32 | uint64(e[3])<<48
			seen |= scores
			missing := uint32(uint8(r[0])) | uint32(uint8(r[1]))<<8 | uint32(uint8(r[2]))<<16 | uint32(uint8(r[3]))<<24
			if missing&signs != 0 {
				for lane, rating := range r {
					if rating == Missing {
						scores &^= 0xffff << (16 * lane)
					}
				}
			}
			pairs[2*i] += scores & evenLanes
			pairs[2*i+1] += scores >> 16 & evenLanes
		}
		for i := 4 * fours; i < len(sums); i++ {
			seen |= uint64(expected[i])
			if ratings[i] != Missing {
				sums[i] += uint32(expected[i])
			}
		}
	}
	for i := range fours {
		even, odd := pairs[2*i], pairs[2*i+1]
		sums[4*i], sums[4*i+1] = uint32(even), uint32(odd)
		sums[4*i+2], sums[4*i+3] = uint32(even>>32), uint32(odd>>32)
	}
	return seen
}

// hintSums replaces the sums in hints, which are from low to high, by hints: the sum, negated, and of the tie hashes as
// many bits as are left.
func (t *ties) hintSums(workers int, low, high int32) {
	width := bits.Len32(uint32(high) - uint32(low))
	inChunks(workers, len(t.hints), func(_, start, end int) {
		hints := t.hints[start:end]
		for i, sum := range hints {
			hints[i] = uint32(uint64(uint32(high)-sum) << (64 - width) >> 32)
		}
		if t.pool.Tie == nil {
			return
		}
		for i, hash := range t.pool.Tie[start:end] {
			hints[i] |= uint32(hash >> width >> 32)
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
