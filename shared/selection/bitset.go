package selection

import "math/bits"

// A bitset is a set of numbers from 0, with 64 numbers in each word.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i uint32) bool { return b[i/64]>>(i%64)&1 != 0 }

// bit returns 1 if the set has the number, otherwise 0. So callers can add up bits without a branch.
func (b bitset) bit(i uint32) uint32 { return uint32(b[i/64] >> (i % 64) & 1) }

func (b bitset) set(i uint32) { b[i/64] |= 1 << (i % 64) }

func (b bitset) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}
