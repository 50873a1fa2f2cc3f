package forms

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// special are the bytes at which the scan of a string stops: the quote at its end, backslashes, '<' and control
// characters.
var special = func() (is [256]bool) {
	for c := range is {
		is[c] = c < ' ' || c == '"' || c == '\\' || c == '<'
	}
	return is
}()

// beginsNoMark reports whether b, the text after a '<', surely begins no mark: all marks begin with |, _ or the first
// two letters of image, IMG, video, audio or speech. Other tags, such as those of a table in HTML, are text.
func beginsNoMark(b []byte) bool {
	if len(b) < 2 || !harmless[b[0]] {
		return false
	}
	const lower = 0x20 // the bit of a small letter
	second := secondLetter[b[0]|lower]
	return second == 0 || harmless[b[1]] && b[1]|lower != second
}

// secondLetter has the second letter of the marks that begin with a letter.
var secondLetter = [256]byte{'i': 'm', 'v': 'i', 'a': 'u', 's': 'p'}

// harmless are the bytes that can be in a tag, or after a '<' that is text. Others may begin a mark, or an escape.
var harmless = func() (is [256]bool) {
	for c := range is {
		is[c] = letters[c] || c == ' ' || c == '=' || c == '/' || c == '>'
	}
	return is
}()

// nextSpecial returns the offset of the first special byte of b from i on; len(b) if there is none. wide is true if a
// byte before it, or one of the next seven bytes, is not ASCII. nextSpecial checks eight bytes at a time.
func nextSpecial(b []byte, i int) (offset int, wide bool) {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	all := uint64(0) // the bytes so far, combined by OR
	for ; i+8 <= len(b); i += 8 {
		word := binary.LittleEndian.Uint64(b[i:])
		all |= word
		// The highest bit of a byte is set if the byte is a quote, a backslash or '<', or less than a space. If several bits
		// are set, only the lowest bit is certainly right. Changing one bit makes a quote a space; bytes that are less than a
		// space stay so. Then one comparison finds both.
		low, slash, less := word^'"'&^' '*ones, word^'\\'*ones, word^'<'*ones
		found := ((low - (' '+1)*ones) | (slash - ones) | (less - ones)) &^ word
		if found &= high; found != 0 {
			return i + bits.TrailingZeros64(found)/8, all&high != 0
		}
	}
	for i < len(b) && !special[b[i]] {
		all |= uint64(b[i])
		i++
	}
	return i, all&high != 0
}

// string reads a JSON string.
func (s *plainScan) string() bool {
	if !s.take('"') {
		return false
	}
	s.escaped, s.said, s.suspect, s.marks = false, false, false, 0
	b, i, said := s.raw, s.at, false
	s.start = i
	for i < len(b) {
		if said {
			var wide bool
			if i, wide = nextSpecial(b, i); i == len(b) {
				return false
			}
			s.wide = s.wide || wide
		}
		c := b[i]
		if !special[c] {
			said = letters[c]
			s.wide = s.wide || c >= utf8.RuneSelf
			i++
			continue
		}
		switch c {
		case '"':
			s.said, s.end, s.at = said, i, i+1
			return true
		case '\\':
			n := s.escape(b[i:])
			if n == 0 {
				return false
			}
			i += n
		case '<':
			if bytes.HasPrefix(b[i:], []byte(dataset.ImageMark)) {
				s.marks++
				i += len(dataset.ImageMark)
				continue
			}
			i++
			s.suspect = s.suspect || !beginsNoMark(b[i:])
		default: // a control character
			return false
		}
	}
	return false
}

// escape returns the length of the escape at the start of b; 0 if b does not begin with an escape.
func (s *plainScan) escape(b []byte) int {
	s.escaped = true
	const long = len(`\u0000`)
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < long {
			return 0
		}
		for _, c := range b[2:long] {
			if !hexDigits[c] {
				return 0
			}
		}
		s.suspect = s.suspect || b[2] == '0' && b[3] == '0' // it may be '<', or a letter of a mark
		return long
	}
	return 0
}
