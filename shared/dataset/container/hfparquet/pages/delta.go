package pages

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// unpackDelta reads n numbers in the encoding DELTA_BINARY_PACKED, calls set for each, and returns the bytes after
// them.
// Source: Parquet's Encodings.md, "Delta Encoding".
func unpackDelta(src []byte, n int, set func(i int, v int64)) ([]byte, error) {
	var head [4]uint64 // number of values in a block, of its miniblocks, and of all values; the first value
	for i := range head {
		v, size := binary.Uvarint(src)
		if size <= 0 {
			return nil, errCut
		}
		head[i], src = v, src[size:]
	}
	block, minis := head[0], head[1]
	if minis == 0 || minis > 1<<12 || block%minis != 0 || block/minis%32 != 0 || block == 0 || block > 1<<20 ||
		head[2] != uint64(n) {
		return nil, errors.New("the head of its delta encoding is not valid")
	}
	if n == 0 {
		return src, nil
	}
	value := unzigzag(head[3])
	set(0, value)
	for i := 1; i < n; {
		least, size := binary.Uvarint(src)
		if size <= 0 || len(src) < size+int(minis) {
			return nil, errCut
		}
		widths := src[size : size+int(minis)]
		src = src[size+int(minis):]
		for _, width := range widths {
			if i == n { // widths of miniblocks without values have no meaning
				break
			}
			per := int(block / minis)
			length := per * int(width) / 8
			if width > 64 || len(src) < length {
				return nil, errCut
			}
			count := min(per, n-i)
			unpackBits(src[:length], int(width), count, func(k int, delta uint64) {
				value += unzigzag(least) + int64(delta) // wraps around, as writers do
				set(i+k, value)
			})
			i += count
			src = src[length:]
		}
	}
	return src, nil
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// unpackLengths reads n lengths of texts.
func unpackLengths(src []byte, n int) (lengths []int, rest []byte, err error) {
	lengths = make([]int, n)
	valid := true
	rest, err = unpackDelta(src, n, func(i int, v int64) {
		valid = valid && v >= 0 && bits.Len64(uint64(v)) < 32
		lengths[i] = int(v)
	})
	if err == nil && !valid {
		err = errors.New("a length is not valid")
	}
	return lengths, rest, err
}

// unpackTexts reads n texts in the encoding DELTA_LENGTH_BYTE_ARRAY, or in DELTA_BYTE_ARRAY, which stores the length of
// the common prefix with the previous text. It returns the texts in the encoding PLAIN. most is the largest number of
// bytes of the result.
func unpackTexts(src []byte, n int, withPrefixes bool, most int64) (plain []byte, err error) {
	var prefixes []int
	if withPrefixes {
		if prefixes, src, err = unpackLengths(src, n); err != nil {
			return nil, err
		}
	}
	lengths, src, err := unpackLengths(src, n)
	if err != nil {
		return nil, err
	}
	total := int64(4 * n)
	for i, length := range lengths {
		total += int64(length)
		if withPrefixes {
			total += int64(prefixes[i])
		}
		if total > most {
			return nil, errTexts
		}
	}
	plain = make([]byte, 0, total)
	last := 0 // start of the previous text
	for i, length := range lengths {
		prefix := 0
		if withPrefixes {
			prefix = prefixes[i]
		}
		if len(src) < length || i > 0 && prefix > len(plain)-last || i == 0 && prefix > 0 {
			return nil, errCut
		}
		plain = binary.LittleEndian.AppendUint32(plain, uint32(prefix+length))
		begin := len(plain)
		if prefix > 0 {
			plain = append(plain, plain[last:last+prefix]...)
		}
		plain = append(plain, src[:length]...)
		src, last = src[length:], begin
	}
	return plain, nil
}

var errTexts = errors.New("its values are larger than the limit of a page")
