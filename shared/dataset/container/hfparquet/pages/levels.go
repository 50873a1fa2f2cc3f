package pages

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var errCut = errors.New("it ends before its last value")

// unpackHybrid reads n values of width bits each, 0 to 32, in Parquet's hybrid of runs and packed groups, and calls set
// for each. Source: Parquet's Encodings.md, "RLE / bit-packing hybrid".
func unpackHybrid(src []byte, width, n int, set func(i int, v uint32)) error {
	for i := 0; i < n; {
		head, size := binary.Uvarint(src)
		if size <= 0 {
			return errCut
		}
		src = src[size:]
		if head&1 == 0 {
			run := head >> 1
			length := (width + 7) / 8
			if len(src) < length || run == 0 {
				return errCut
			}
			v := uint32(0)
			for b := range length {
				v |= uint32(src[b]) << (8 * b)
			}
			src = src[length:]
			for end := i + int(min(run, uint64(n-i))); i < end; i++ {
				set(i, v)
			}
			continue
		}
		groups := head >> 1
		if width > 0 && groups > uint64(len(src)/width) {
			groups = uint64(len(src) / width) // some writers cut the last group short
			if groups == 0 {
				return errCut
			}
		}
		if groups == 0 {
			return errCut
		}
		packed := src[:int(groups)*width]
		count := int(min(groups*8, uint64(n-i)))
		unpackBits(packed, width, count, func(k int, v uint64) { set(i+k, uint32(v)) })
		i += count
		src = src[len(packed):]
	}
	return nil
}

// unpackBits reads count values of width bits each, 0 to 64, the lowest bit first.
func unpackBits(packed []byte, width, count int, set func(i int, v uint64)) {
	var at uint
	for i := range count {
		v := uint64(0)
		for got := 0; got < width; {
			b := packed[at/8] >> (at % 8)
			take := min(8-int(at%8), width-got)
			v |= uint64(b&byte(1<<take-1)) << got
			got += take
			at += uint(take)
		}
		set(i, v)
	}
}

// readLevels reads n levels. most is the largest valid level.
func readLevels(dst, src []byte, most byte, n int) ([]byte, error) {
	dst = grow(dst, n)
	valid := true
	err := unpackHybrid(src, bits.Len8(most), n, func(i int, v uint32) {
		dst[i] = byte(v)
		valid = valid && v <= uint32(most)
	})
	if err == nil && !valid {
		err = errors.New("a level is above the maximum of its column")
	}
	return dst, err
}

// grow returns a slice of n elements, with the memory of b if it is large enough. A new slice gets an eighth more
// memory, because the sizes of a column's pages differ a little.
func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/8)
	}
	return b[:n]
}
