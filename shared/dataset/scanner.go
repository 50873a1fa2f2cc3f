package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// A cursor reads a manifest forwards and knows where it stands.
type cursor struct {
	in     *bufio.Reader
	offset int64 // of the next byte in the manifest
	line   int64 // of the next byte, from 1
}

// window returns the unread bytes at hand, at least one. It is valid until the next call.
func (c *cursor) window() ([]byte, error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	return c.in.Peek(c.in.Buffered())
}

// advance moves past b, the head of the window.
func (c *cursor) advance(b []byte) {
	c.offset += int64(len(b))
	c.line += int64(bytes.Count(b, []byte{'\n'}))
	_, _ = c.in.Discard(len(b)) // what is buffered can be discarded
}

// skipSpace moves to the next byte that is not JSON white space and returns it unread.
func (c *cursor) skipSpace() (byte, error) {
	for {
		b, err := c.window()
		if err != nil {
			return 0, err
		}
		n := 0
		for n < len(b) && isSpace(b[n]) {
			n++
		}
		c.advance(b[:n])
		if n < len(b) {
			return b[n], nil
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

// A scanner finds the records of a manifest, or of a span of it, one after the other. It looks at
// brackets and strings only: what lies between them is for Parse to judge.
type scanner struct {
	cursor
	format  Format
	limit   int   // longest record whose bytes are kept
	element int64 // number of the last record begun, from 1
	nesting nesting
	kept    []byte
}

// A record is one record's place in the manifest.
type record struct {
	start, end int64
	line       int64
	// raw is valid until the next record is scanned; nil if it is longer than the scanner's limit.
	raw []byte
}

// record scans the record that begins at the cursor. It returns io.ErrUnexpectedEOF where the input
// ends inside it.
func (s *scanner) record() (record, error) {
	s.element++
	s.kept = s.kept[:0]
	rec := record{start: s.offset, line: s.line}
	find := s.nesting.find
	if s.format == Lines {
		find = lineEnd
	}
	s.nesting.reset()
	tooLong := false
	for end := false; !end; {
		b, err := s.window()
		switch {
		case err == io.EOF && (s.format == Lines || s.nesting.scalar):
			b, end = nil, true
		case err == io.EOF:
			return record{}, io.ErrUnexpectedEOF
		case err != nil:
			return record{}, err
		default:
			var n int
			n, end, err = find(b)
			b = b[:n]
		}
		tooLong = tooLong || len(s.kept)+len(b) > s.limit
		if !tooLong {
			s.kept = append(s.kept, b...)
		}
		s.advance(b)
		if errors.Is(err, errMismatch) {
			return record{}, s.mismatch()
		}
	}
	if s.offset == rec.start {
		return record{}, s.unexpected("a record")
	}
	rec.end = s.offset
	if !tooLong {
		// Only a line can have blanks at its end: they are not the record's.
		rec.raw = bytes.TrimRight(s.kept, " \t\r")
	}
	return rec, nil
}

// unexpected is the error that something else than expected stands at the cursor.
func (s *scanner) unexpected(expected string) error {
	return s.fault("found " + s.found() + " where " + expected + " is expected" + fixArray)
}

func (s *scanner) mismatch() error {
	return s.fault("found " + s.found() + ", which does not close the bracket that is open" + fixArray)
}

const fixArray = "; fix the array there, or write the manifest as JSONL, one record a line, " +
	"where only broken lines are lost"

func (s *scanner) fault(detail string) *FormatError {
	return &FormatError{Offset: s.offset, Line: s.line, Element: s.element, Detail: detail}
}

// found quotes what stands at the cursor.
func (s *scanner) found() string {
	b, err := s.window()
	if err != nil {
		return "the end of the file"
	}
	return quote(string(b[:min(len(b), 17)]), 16)
}

// quote is s in quotes, cut after limit bytes.
func quote(s string, limit int) string {
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}

// lineEnd finds the end of the line in b.
func lineEnd(b []byte) (n int, end bool, err error) {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n, true, nil
	}
	return len(b), false, nil
}
