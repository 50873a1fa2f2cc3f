package enginetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The parts of the GGUF format that withOutputBias needs (ggml-org/ggml, docs/gguf.md).
const (
	ggufString, ggufArray = 8, 9
	ggufF32               = 0
	ggufAlignment         = 32
	outputBias            = "output.bias"
)

// ggufSizes has the size of a value, in bytes, by type. Strings and arrays have no fixed size.
var ggufSizes = map[uint32]int64{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

// A ggufReader reads a GGUF file, and keeps the first error.
type ggufReader struct {
	*bytes.Reader
	err error
}

func (r *ggufReader) number(v any) {
	if r.err == nil {
		r.err = binary.Read(r.Reader, binary.LittleEndian, v)
	}
}

func (r *ggufReader) u32() (n uint32) { r.number(&n); return n }
func (r *ggufReader) u64() (n uint64) { r.number(&n); return n }

func (r *ggufReader) skip(n int64) {
	if r.err == nil && (n < 0 || n > int64(r.Len())) {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err == nil {
		_, r.err = r.Seek(n, io.SeekCurrent)
	}
}

func (r *ggufReader) text() { r.skip(int64(r.u64())) }

// value skips a value of a type.
func (r *ggufReader) value(kind uint32) {
	size, fixed := ggufSizes[kind]
	switch {
	case r.err != nil:
	case fixed:
		r.skip(size)
	case kind == ggufString:
		r.text()
	case kind == ggufArray:
		of := r.u32()
		for n := r.u64(); n > 0 && r.err == nil; n-- {
			r.value(of)
		}
	default:
		r.err = fmt.Errorf("a value of type %d", kind)
	}
}

// withOutputBias returns a copy of a GGUF model that adds bias to the logits; bias[i] is for the token with id i.
func withOutputBias(model []byte, bias []float32) ([]byte, error) {
	r := &ggufReader{Reader: bytes.NewReader(model)}
	position := func() int { return len(model) - r.Len() }
	magic, version, tensors, values := r.u32(), r.u32(), r.u64(), r.u64()
	if magic != 0x46554747 || version != 3 {
		return nil, errors.New("this is not a GGUF file of version 3")
	}
	for range values {
		r.text()
		r.value(r.u32())
	}
	for range tensors {
		r.text()
		r.skip(8 * int64(r.u32()))
		r.skip(4 + 8)
	}
	if r.err != nil {
		return nil, fmt.Errorf("reading a GGUF file: %w", r.err)
	}
	padded := func(n int) int { return (n + ggufAlignment - 1) / ggufAlignment * ggufAlignment }
	infos := position()
	data := model[padded(infos):]
	var out bytes.Buffer
	write := func(v any) {
		// Writing to a bytes.Buffer does not fail.
		_ = binary.Write(&out, binary.LittleEndian, v)
	}
	pad := func() { out.Write(make([]byte, padded(out.Len())-out.Len())) }
	write([]uint32{magic, version})
	write([]uint64{tensors + 1, values})
	out.Write(model[out.Len():infos])
	write(uint64(len(outputBias)))
	out.WriteString(outputBias)
	write(uint32(1)) // dimension
	write(uint64(len(bias)))
	write(uint32(ggufF32))
	write(uint64(padded(len(data))))
	pad()
	out.Write(data)
	pad()
	for _, b := range bias {
		write(math.Float32bits(b))
	}
	pad()
	return out.Bytes(), nil
}
