package similarity

import (
	"math/bits"
	"slices"
	"sort"
)

const (
	// orders is the number of sorted lists of an index. Each sorts the signatures by other bits first.
	orders = 16
	// neighbours is how many signatures an index compares on each side of a place in a sorted list.
	neighbours = 16
)

// An Index finds the signatures near to one. Time and memory for it grow as n log n and n: it looks for a signature in
// 16 orders, each by 32 other bits, and compares it with the 32 that are next to it there. So a near signature is found
// with the probability that the README gives, and none is found twice.
type Index struct {
	signatures []Signature
	sorted     [orders][]uint64 // 32 bits of a signature, and its number in 32 bits
}

// NewIndex makes an index of at most 2^32 signatures, none of them zero, and none twice. It keeps the list.
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

// key is the 32 bits of a signature by which an order sorts. Half of them are those of the order before.
func key(s Signature, order int) uint64 {
	at := order * Bits / orders
	word := s[at/64] >> (at % 64)
	if at%64 > 32 {
		word |= s[(at/64+1)%len(s)] << (64 - at%64)
	}
	return uint64(bits.Reverse32(uint32(word)))
}

// Near calls visit for the signatures that differ from s in at most this many bits, each once, with the number that it
// has in the list.
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
