package selection

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKeySorter(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	var sorter keySorter
	for _, n := range []int{0, 1, 2, fewKeys, fewKeys + 1, 1000, 70_000} {
		for name, key := range map[string]func(i int) uint64{
			"even":      func(int) uint64 { return rng.Uint64() },
			"one place": func(i int) uint64 { return uint64(n - i) },
			"skewed": func(i int) uint64 {
				return uint64(math.Exp2(30*rng.Float64()))<<32 | uint64(i)
			},
			"extremes": func(i int) uint64 { return math.MaxUint64*uint64(i%2) ^ uint64(i) },
		} {
			keys := make([]uint64, n)
			for i := range keys {
				keys[i] = key(i)
			}
			want := slices.Sorted(slices.Values(keys))
			if sorter.sort(keys); !slices.Equal(keys, want) {
				t.Errorf("%d keys, %s: not sorted", n, name)
			}
		}
	}
}
