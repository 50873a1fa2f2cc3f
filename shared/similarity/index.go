package similarity

import (
	"math/bits"
	"slices"
	"sort"
)

const (
	// orders is the number of sorted lists of an index. Each list is sorted by other bits of the signatures.
	orders = 16
	// neighbours is the number of signatures that an index compares on each side of a place in a sorted list.
	neighbours = 16
)

// An Index finds signatures that are near to a given signature. It sorts the signatures in 16 orders, each by 32 other
// bits. In each order, it compares the given signature with its 32 neighbours. README.md states how many of the near
// signatures it finds. Building an Index of n signatures takes time n log n and memory n.
type Index struct {
	signatures []Signature
	sorted     [orders][]uint64 // 32 bits of a signature, and its number in 32 bits
}

// NewIndex returns an index of at most 2^32 different signatures. None may be zero. The index keeps the slice.
func NewIndex(signatures []Signature) *Index {
	x := &Index{signatures: signatures}
	for o := range x.sorted {
		x.sorted[o] = make([]uint64, len(signatures))
		for i, s := range signatures {
			x.sorted[o][i] = key(s, o)<<32 | uint64(i)
		}
		slices.Sort(x.sorted[o])
	}
	return x
}

// key returns the 32 bits of a signature that an order sorts by. Half of these bits are also in the key of the previous
// order.
func key(s Signature, order int) uint64 {
	at := order * Bits / orders
	word := s[at/64] >> (at % 64)
	if at%64 > 32 {
		word |= s[(at/64+1)%len(s)] << (64 - at%64)
	}
	return uint64(bits.Reverse32(uint32(word)))
}

// Near calls visit once for each signature that it finds and that differs from s in at most `most` bits. i is the
// position of the signature in the list.
func (x *Index) Near(s Signature, most int, visit func(i, distance int)) {
	if s.IsZero() {
		return
	}
	var seen [2 * orders * neighbours]uint32
	found := seen[:0]
	for o, sorted := range x.sorted {
		place := key(s, o) << 32
		at := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= place })
		for _, entry := range sorted[max(at-neighbours, 0):min(at+neighbours, len(sorted))] {
			i := uint32(entry)
			if distance := s.Distance(x.signatures[i]); distance <= most && !slices.Contains(found, i) {
				found = append(found, i)
				visit(int(i), distance)
			}
		}
	}
}
