package dataset

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// An Encoding is the text encoding of a manifest.
type Encoding string

// The encodings of a manifest. Windows programs call UTF-16 Unicode.
const (
	UTF8    Encoding = ""
	UTF16LE Encoding = "utf-16le"
	UTF16BE Encoding = "utf-16be"
)

// encodingOf finds the encoding of a manifest from its first bytes: a byte order mark, or a zero next to an ASCII
// bracket.
func encodingOf(head []byte) Encoding {
	if len(head) < 2 {
		return UTF8
	}
	bracket := func(b byte) bool { return b == '{' || b == '[' }
	switch a, b := head[0], head[1]; {
	case a == 0xff && b == 0xfe, bracket(a) && b == 0:
		return UTF16LE
	case a == 0xfe && b == 0xff, a == 0 && bracket(b):
		return UTF16BE
	}
	return UTF8
}

// reader returns a reader that converts text of this encoding to UTF-8.
func (e Encoding) reader(r io.Reader) io.Reader {
	switch e {
	case UTF16LE:
		return &utf16Reader{in: bufio.NewReader(r), order: binary.LittleEndian}
	case UTF16BE:
		return &utf16Reader{in: bufio.NewReader(r), order: binary.BigEndian}
	default:
		return r
	}
}

// size returns the number of bytes that b, a text in UTF-8, has in the manifest. b may begin or end inside a character.
func (e Encoding) size(b []byte) int64 {
	if e == UTF8 {
		return int64(len(b))
	}
	units := 0
	for _, c := range b {
		switch {
		case c >= 0xf0: // the first of four bytes: a pair of surrogates
			units += 2
		case c&0xc0 != 0x80:
			units++
		}
	}
	return 2 * int64(units)
}

// A utf16Reader converts UTF-16 to UTF-8. Each surrogate without its other half becomes one U+FFFD, as size assumes.
// Half a code unit at the end is dropped. The reader of golang.org/x/text is not used, because it may convert two
// surrogates without their other halves into only one U+FFFD.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	ready []byte // rest of a character that did not fit into p
}

// Read fills p with whole characters.
func (r *utf16Reader) Read(p []byte) (n int, err error) {
	n = copy(p, r.ready)
	r.ready = r.ready[n:]
	for n < len(p) && (n == 0 || r.in.Buffered() >= 4) {
		char, err := r.char()
		if err != nil {
			return n, err
		}
		if len(p)-n >= utf8.UTFMax {
			n += utf8.EncodeRune(p[n:], char)
			continue
		}
		encoded := utf8.AppendRune(nil, char)
		copied := copy(p[n:], encoded)
		n += copied
		r.ready = encoded[copied:]
	}
	return n, nil
}

func (r *utf16Reader) char() (rune, error) {
	b, err := r.in.Peek(2)
	if len(b) < 2 {
		return 0, err
	}
	char := rune(r.order.Uint16(b))
	size := 2
	if utf16.IsSurrogate(char) {
		low := rune(0)
		if b, _ = r.in.Peek(4); len(b) == 4 { // an error is returned again by the next read
			low = rune(r.order.Uint16(b[2:]))
		}
		if char = utf16.DecodeRune(char, low); char != utf8.RuneError {
			size = 4
		}
	}
	_, _ = r.in.Discard(size) // discarding buffered bytes does not fail
	return char, nil
}
