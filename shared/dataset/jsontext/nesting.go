package jsontext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// maxNesting is the number of levels at which a Nesting compares closing brackets with open brackets. At deeper levels,
// it only counts brackets, so that its memory is limited. encoding/json has the same limit, so a deeper record cannot
// be parsed.
const maxNesting = 10_000

// ErrMismatch reports a closing bracket that does not match the open bracket.
var ErrMismatch = errors.New("closing bracket of another kind")

// structural marks the bytes outside of strings that a Nesting interprets.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// scalarEnd marks the bytes that cannot be part of a number or a word.
var scalarEnd = [256]bool{
	' ': true, '\t': true, '\r': true, '\n': true, ',': true,
	'"': true, '{': true, '}': true, '[': true, ']': true,
}

// A Nesting finds the end of one JSON value that arrives in pieces.
type Nesting struct {
	begun   bool
	Scalar  bool   // the value is a number or a word
	InText  bool   // inside a string
	escaped bool   // inside a string, and the last byte was a backslash that escapes the next byte
	Depth   int    // number of open brackets
	open    []byte // the closing brackets for the outermost maxNesting open brackets
}

// Reset prepares v for another value.
func (v *Nesting) Reset() { *v = Nesting{open: v.open[:0]} }

// Enter resets v to the state after the opening bracket of an array or object.
func (v *Nesting) Enter(bracket byte) {
	*v = Nesting{begun: true, Depth: 1, open: append(v.open[:0], bracket+2)}
}

// Find searches b, the next piece of the value, for the value's end. The first n bytes of b belong to the value. end
// reports whether the value ends after them. After ErrMismatch, n is the offset of the wrong bracket.
func (v *Nesting) Find(b []byte) (n int, end bool, err error) {
	if !v.begun {
		v.begun = true
		v.Scalar = b[0] != '"' && b[0] != '{' && b[0] != '['
	}
	i := 0
	if v.Scalar {
		for i < len(b) && !scalarEnd[b[i]] {
			i++
		}
		return i, i < len(b), nil
	}
	for i < len(b) {
		if v.InText {
			if i = v.skipText(b, i); v.InText {
				break
			}
			if v.Depth == 0 {
				return i, true, nil
			}
			continue
		}
		c := b[i]
		if !structural[c] {
			i++
			continue
		}
		switch c {
		case '"':
			v.InText = true
		case '{', '[':
			if v.Depth++; v.Depth <= maxNesting {
				v.open = append(v.open, c+2) // the code of '}' and of ']' is that of the opening bracket plus 2
			}
		default:
			if v.Depth <= maxNesting {
				last := len(v.open) - 1
				if v.open[last] != c {
					return i, false, ErrMismatch
				}
				v.open = v.open[:last]
			}
			if v.Depth--; v.Depth == 0 {
				return i + 1, true, nil
			}
		}
		i++
	}
	return i, false, nil
}

// skipText returns the offset after the end of the string that contains b[i]. It returns len(b) if the string continues
// after b.
func (v *Nesting) skipText(b []byte, i int) int {
	if v.escaped {
		v.escaped = false
		i++
	}
	for {
		end := quoteAt(b, i)
		slashes := 0
		for end-slashes > i && b[end-slashes-1] == '\\' {
			slashes++
		}
		escaped := slashes%2 == 1
		switch {
		case end == len(b):
			v.escaped = escaped
			return end
		case !escaped:
			v.InText = false
			return end + 1
		}
		i = end + 1
	}
}

// quoteAt returns the offset of the first quote in b from i on. It returns len(b) if there is no quote.
func quoteAt(b []byte, i int) int {
	const (
		ones     = 0x0101010101010101
		highBits = 0x80 * ones
		// nearby is the number of bytes that are searched here before IndexByte is called. Most strings end within these
		// bytes, and a call of IndexByte would take longer.
		nearby = 48
	)
	for far := i + nearby; i < far && i+8 <= len(b); i += 8 {
		// A byte of word is zero at a quote. The lowest bit of zeros belongs to the first quote.
		word := binary.LittleEndian.Uint64(b[i:]) ^ '"'*ones
		if zeros := (word - ones) &^ word & highBits; zeros != 0 {
			return i + bits.TrailingZeros64(zeros)/8
		}
	}
	if n := bytes.IndexByte(b[i:], '"'); n >= 0 {
		return i + n
	}
	return len(b)
}
