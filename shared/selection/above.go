package selection

import "math"

// fill adds the samples whose rating exceeds the threshold. The ratings are those of samples from start on, a multiple
// of 64.
func (b bitset) fill(ratings []int8, threshold int32, start int) {
	words := b[start/64:]
	for i := 0; 64*i < len(ratings); i++ {
		words[i] = above(ratings[64*i:], threshold)
	}
}

// above returns a word with a bit for each of the first 64 ratings: 1 if the rating exceeds the threshold.
func above(ratings []int8, threshold int32) (word uint64) {
	if len(ratings) < 64 || threshold < math.MinInt8 || threshold >= math.MaxInt8 {
		for i, rating := range ratings[:min(64, len(ratings))] {
			word |= uint64(uint32(threshold-int32(rating))>>31) << i // the sign of the difference
		}
		return word
	}
	// Eight ratings are compared at a time with least, the smallest rating that exceeds the threshold. Their sign bits are
	// flipped, so that their order is that of unsigned numbers. A rating exceeds the threshold if its highest bit is 1 and
	// that of least is 0, or if the highest bits are equal and its other bits are not less than those of least.
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
		// gather moves the lowest bits of eight bytes to the highest byte, each to its own bit.
		gather = 0x0102040810204080
	)
	least := uint64(threshold+1-math.MinInt8) * ones
	lower := least &^ high
	for i := 0; i < 64; i += 8 {
		r := ratings[i : i+8 : i+8]
		eight := uint64(uint8(r[0])) | uint64(uint8(r[1]))<<8 | uint64(uint8(r[2]))<<16 | uint64(uint8(r[3]))<<24 |
			uint64(uint8(r[4]))<<32 | uint64(uint8(r[5]))<<40 | uint64(uint8(r[6]))<<48 | uint64(uint8(r[7]))<<56
		flipped := eight ^ high
		notLess := (flipped | high) - lower
		found := (flipped &^ least) | (notLess &^ (flipped ^ least))
		word |= (found & high >> 7) * gather >> 56 << i
	}
	return word
}
