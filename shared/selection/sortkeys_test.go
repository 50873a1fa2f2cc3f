package selection

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortKeysSortLeast sorts samples with few different scores. In one pool, expected scores do not fit into the keys
// completely, because the pool is large. In another pool, they do.
func TestSortKeysSortLeast(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		samples      int
		most         int
		lastPosition uint32
		cut          int
	}{
		"all fits":        {1 << 10, 6, 0, 0},
		"scores are cut":  {1 << 20, 1<<16 - 1, 1<<16 - 1, 4},
		"hints are short": {1 << 20, 1<<16 - 1, 1<<4 - 1, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 6))
			ratings, expected := make([]int8, tt.samples), make([]uint16, tt.samples)
			pool := &Pool{Tie: make([]uint64, tt.samples), Source: make([]uint32, tt.samples)}
			ties := &ties{
				pool: pool, sums: make([]uint32, tt.samples), hints: make([]uint32, tt.samples), expectedBits: 16,
			}
			for s := range tt.samples {
				ratings[s], expected[s] = int8(1+rng.IntN(2)), uint16(60_000+rng.IntN(4))
				ties.sums[s], pool.Tie[s] = uint32(rng.IntN(3)), rng.Uint64()
				ties.hints[s] = (2 - ties.sums[s]) << 30
			}
			k := newSortKeys(ratings, expected, 0, tt.most, tt.lastPosition, ties)
			if k.scoreCut != tt.cut {
				t.Fatalf("%d bits of expected scores are cut, want %d", k.scoreCut, tt.cut)
			}
			for n := 1; n <= 200; n += 7 {
				checkSortLeast(t, k, n, tt.lastPosition, rng)
			}
		})
	}
}

// checkSortLeast sorts the n least keys of 200 random samples.
func checkSortLeast(t *testing.T, k sortKeys, n int, lastPosition uint32, rng *rand.Rand) {
	t.Helper()
	var samples []uint32
	position := make(map[uint32]uint32)
	for len(samples) < 200 {
		s := uint32(rng.IntN(len(k.ratings)))
		if _, known := position[s]; !known {
			position[s] = uint32(rng.IntN(2)) * lastPosition
			samples = append(samples, s)
		}
	}
	keys := make([]uint64, len(samples))
	for i, s := range samples {
		keys[i] = k.key(s, position[s])
	}
	slices.SortFunc(samples, func(a, b uint32) int {
		return cmp.Or(
			cmp.Compare(k.ratings[b], k.ratings[a]), cmp.Compare(position[a], position[b]),
			cmp.Compare(k.expected[b], k.expected[a]), k.ties.compare(a, b),
		)
	})

	least := k.sortLeast(keys, n, new(keySorter))
	if len(least) < n {
		t.Fatalf("%d of %d keys", len(least), n)
	}
	for i, key := range least {
		if k.sample(key) != samples[i] {
			t.Fatalf("%d of %d is sample %d, want %d", i, n, k.sample(key), samples[i])
		}
	}
	for _, key := range keys[len(least):] {
		if key>>k.undecidedBits <= least[len(least)-1]>>k.undecidedBits {
			t.Fatalf("a key that was not returned cannot be distinguished from the last of %d", n)
		}
	}
}
