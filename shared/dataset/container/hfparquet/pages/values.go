package pages

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// values are the values of a page or of a dictionary that are not null, in the encoding PLAIN.
type values struct {
	data  []byte
	width int // length of a value in bytes; 0 for a ByteArray
	n     int
	// starts are the offsets in data at which the values of a ByteArray begin, after their lengths.
	starts []uint32
	// keys are the indexes of the values in dictionary. dictionary is nil if data has the values.
	keys       []uint32
	dictionary *values
}

// at returns value i.
func (v *values) at(i int) []byte {
	if v.dictionary != nil {
		return v.dictionary.at(int(v.keys[i]))
	}
	if v.width > 0 {
		return v.data[i*v.width : (i+1)*v.width : (i+1)*v.width]
	}
	start := v.starts[i]
	end := start + binary.LittleEndian.Uint32(v.data[start-4:])
	return v.data[start:end:end]
}

// read decodes n values of a column from src. It may keep src.
func (v *values) read(c *Column, encoding format.Encoding, src []byte, n int, limits Limits, dictionary *values) error {
	v.n, v.width, v.dictionary = n, c.width(), nil
	if c.Type == format.FixedLenByteArray && v.width == 0 {
		return errors.New("a value of a fixed length has no bytes")
	}
	if int64(v.width)*int64(n) > 2*limits.PageBytes {
		return errTexts
	}
	switch encoding {
	case format.Plain:
		return v.readPlain(c, src)
	case format.RLEDictionary, oldDictionary:
		return v.readKeys(src, dictionary)
	case format.RLE:
		if c.Type != format.Boolean || len(src) < 4 {
			break
		}
		v.data = grow(v.data, n)
		return unpackHybrid(src[4:], 1, n, func(i int, b uint32) { v.data[i] = byte(b) })
	case format.DeltaBinaryPacked:
		return v.readDelta(c, src)
	case format.DeltaLengthByteArray, format.DeltaByteArray:
		return v.readDeltaTexts(c, encoding, src, limits)
	case format.ByteStreamSplit:
		return v.readSplit(src)
	default:
	}
	return fmt.Errorf("values of type %s in the encoding %s are not supported", c.Type, encoding)
}

func (v *values) readPlain(c *Column, src []byte) error {
	switch {
	case c.Type == format.Boolean:
		if len(src) < (v.n+7)/8 {
			return errCut
		}
		v.data = grow(v.data, v.n)
		unpackBits(src, 1, v.n, func(i int, b uint64) { v.data[i] = byte(b) })
		return nil
	case v.width > 0:
		if len(src) < v.n*v.width {
			return errCut
		}
		v.data = src
		return nil
	default:
		return v.findTexts(src)
	}
}

// findTexts finds the values of a ByteArray.
func (v *values) findTexts(plain []byte) error {
	if v.n > len(plain)/4 {
		return errCut
	}
	v.data, v.starts = plain, grow(v.starts, v.n)
	at := 0
	for i := range v.n {
		if len(plain)-at < 4 {
			return errCut
		}
		length := binary.LittleEndian.Uint32(plain[at:])
		at += 4
		if uint64(length) > uint64(len(plain)-at) {
			return errCut
		}
		v.starts[i] = uint32(at)
		at += int(length)
	}
	return nil
}

func (v *values) readKeys(src []byte, dictionary *values) error {
	if dictionary == nil {
		return errors.New("its column has no dictionary")
	}
	v.dictionary = dictionary
	if v.keys = grow(v.keys, v.n); v.n == 0 {
		return nil
	}
	if len(src) == 0 || src[0] > 32 {
		return errCut
	}
	valid := true
	err := unpackHybrid(src[1:], int(src[0]), v.n, func(i int, key uint32) {
		v.keys[i] = key
		valid = valid && uint64(key) < uint64(dictionary.n)
	})
	if err == nil && !valid {
		err = errors.New("a value is not in the dictionary")
	}
	return err
}

func (v *values) readDelta(c *Column, src []byte) error {
	if c.Type != format.Int32 && c.Type != format.Int64 {
		return fmt.Errorf("values of type %s in the encoding %s are not supported", c.Type, format.DeltaBinaryPacked)
	}
	v.data = grow(v.data, v.n*v.width)
	_, err := unpackDelta(src, v.n, func(i int, n int64) {
		if v.width == 4 {
			binary.LittleEndian.PutUint32(v.data[4*i:], uint32(n))
		} else {
			binary.LittleEndian.PutUint64(v.data[8*i:], uint64(n))
		}
	})
	return err
}

func (v *values) readDeltaTexts(c *Column, encoding format.Encoding, src []byte, limits Limits) error {
	plain, err := unpackTexts(src, v.n, encoding == format.DeltaByteArray, 2*limits.PageBytes)
	if err != nil {
		return err
	}
	if c.Type == format.ByteArray {
		return v.findTexts(plain)
	}
	// Each value is preceded by its length, even if the length is fixed.
	if c.Type != format.FixedLenByteArray || len(plain) != v.n*(4+v.width) {
		return errCut
	}
	v.data = make([]byte, 0, v.n*v.width)
	for i := range v.n {
		at := i * (4 + v.width)
		if binary.LittleEndian.Uint32(plain[at:]) != uint32(v.width) {
			return errCut
		}
		v.data = append(v.data, plain[at+4:at+4+v.width]...)
	}
	return nil
}

// readSplit reads BYTE_STREAM_SPLIT: all first bytes, all second bytes, and so on.
func (v *values) readSplit(src []byte) error {
	if v.width == 0 || len(src) < v.n*v.width {
		return errCut
	}
	v.data = make([]byte, v.n*v.width)
	for i := range v.n {
		for b := range v.width {
			v.data[i*v.width+b] = src[b*v.n+i]
		}
	}
	return nil
}
