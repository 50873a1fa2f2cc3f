package selection

import (
	"math"
	"testing"
)

// TestAbove compares all pairs of a rating and a threshold, at all positions of a word.
func TestAbove(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 63, 64, 65, 100} {
		ratings := make([]int8, n)
		for threshold := int32(math.MinInt8) - 1; threshold <= math.MaxInt8+1; threshold++ {
			for first := range 256 {
				want := uint64(0)
				for i := range ratings {
					ratings[i] = int8(first + 37*i)
					if i < 64 && int32(ratings[i]) > threshold {
						want |= 1 << i
					}
				}
				if got := above(ratings, threshold); got != want {
					t.Fatalf("%d ratings from %d, above %d: %x, want %x", n, ratings[0], threshold, got, want)
				}
			}
		}
	}
}
