package dataset

import (
	"errors"
	"io"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A scanner finds the records of a manifest, or of a span of a manifest, in order. It interprets only brackets, strings
// and line ends. A Parser checks the rest.
type scanner struct {
	cursor
	format  Format // empty while it is not known
	limit   int    // the bytes of longer records are not kept
	element int64  // number of the last record that began, from 1
	nesting jsontext.Nesting
	lineEnd lineEnd
	kept    []byte // the bytes of the record so far; not used if tooLong or whole is set
	whole   []byte // the whole record, if the window contains it
	tooLong bool
	// firstLine is the number of the line on which the first object begins, while this object is scanned outside of its
	// list. A string on this line must end on it. At other times firstLine is 0.
	firstLine int64
}

// A record is the position of one record in the manifest.
type record struct {
	start, end int64
	line       int64
	// raw is valid until the next record is scanned. It is nil if the record is longer than the scanner's limit.
	raw []byte
}

// skipSeparators moves to the next byte that does not separate records, and returns it unread. Outside of an array, it
// skips commas between records, too: the records may be those of an array whose brackets were removed.
func (s *scanner) skipSeparators() (byte, error) {
	for {
		next, err := s.skipSpace()
		if err != nil || next != ',' || s.format == Array {
			return next, err
		}
		s.pass([]byte{','})
	}
}

// record scans the record that begins at the cursor. It returns io.ErrUnexpectedEOF if the input ends inside it.
func (s *scanner) record() (record, error) {
	s.element++
	if s.format != Lines && s.atComment() {
		return record{}, s.unexpected("a record")
	}
	rec, err := s.value()
	if err == nil && rec.start == rec.end {
		return record{}, s.unexpected("a record")
	}
	return rec, err
}

// value scans the line or the JSON value that begins at the cursor.
func (s *scanner) value() (record, error) {
	s.kept, s.whole, s.tooLong = s.kept[:0], nil, false
	s.nesting.Reset()
	s.lineEnd = lineEnd{}
	rec := record{start: s.offset, line: s.line}
	if err := s.scan(); err != nil {
		return record{}, err
	}
	rec.end = s.offset
	switch {
	case s.tooLong:
	case s.whole != nil:
		rec.raw = s.whole
	default:
		rec.raw = s.kept
	}
	if s.format == Lines {
		// Blanks and commas at the end of a line are not part of the record.
		for n := len(rec.raw); n > 0 && (isBlank(rec.raw[n-1]) || rec.raw[n-1] == ','); n-- {
			rec.raw = rec.raw[:n-1]
		}
	}
	return rec, nil
}

// scan moves to the end of the current line or value.
func (s *scanner) scan() error {
	for first, end := true, false; !end; first = false {
		b, err := s.window()
		if s.format == Lines && len(b) == 1 && b[0] == '\r' {
			_, _ = s.in.Peek(2) // the byte after a CR decides if the line ends; the next read repeats an error of Peek
			b, err = s.window()
		}
		switch {
		case err == io.EOF && (s.format == Lines || s.nesting.Scalar):
			return nil
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		var n int
		switch {
		case s.format == Lines:
			n, end = s.lineEnd.find(b)
		case s.line == s.firstLine:
			n, end, err = s.findOnLine(b)
		default:
			n, end, err = s.nesting.Find(b)
		}
		b = b[:n]
		s.tooLong = s.tooLong || len(s.kept)+len(b) > s.limit
		switch {
		case s.tooLong:
		case first && end:
			s.whole = b
		default:
			s.kept = append(s.kept, b...)
		}
		if s.format == Lines {
			s.pass(b)
		} else {
			s.advance(b)
		}
		switch {
		case errors.Is(err, jsontext.ErrMismatch):
			return s.mismatch()
		case err != nil:
			return err
		}
	}
	return nil
}

// errBrokenLine reports that the first line is not an object. The line continues at the cursor.
var errBrokenLine = errors.New("no object on the first line")

// findOnLine is Nesting.Find for a value on the first line. A string must end on this line.
func (s *scanner) findOnLine(b []byte) (n int, end bool, err error) {
	before := s.lineEnd
	n, lineEnds := s.lineEnd.find(b)
	switch {
	case n == 0 && s.nesting.InText:
		return 0, false, errBrokenLine
	case n == 0:
		return s.nesting.Find(b)
	}
	taken, end, err := s.nesting.Find(b[:n])
	if taken < n {
		s.lineEnd = before
		s.lineEnd.note(b[:taken])
	}
	if err != nil || lineEnds && !end && s.nesting.InText {
		err = errBrokenLine
	}
	return taken, end, err
}

// unexpected returns the error that the content at the cursor is not the expected content.
func (s *scanner) unexpected(expected string) error {
	found, fix := s.found(), fixThere
	if s.atComment() {
		b, _ := s.window()
		line, _, _ := strings.Cut(string(b), "\n")
		found, fix = jsontext.Quote(strings.TrimRight(line, "\r"), 60), "; JSON has no comments: remove them"+orLines
	}
	return s.fault("found " + found + " where " + expected + " is expected" + fix)
}

// atComment reports whether the cursor is at a comment, as other languages have.
func (s *scanner) atComment() bool {
	b, err := s.in.Peek(2)
	return err == nil && (string(b) == "//" || string(b) == "/*")
}

func (s *scanner) mismatch() error {
	return s.fault("found " + s.found() + ", which does not close the bracket that is open" + fixThere)
}

const (
	orLines  = ", or write the manifest as JSONL, one record a line, where only invalid lines are lost"
	fixThere = "; fix the file there" + orLines
)

func (s *scanner) fault(detail string) *FormatError {
	return &FormatError{Offset: s.offset, Line: s.line, Element: s.element, Detail: detail}
}

// found quotes the content at the cursor.
func (s *scanner) found() string {
	b, err := s.window()
	if err != nil {
		return "the end of the file"
	}
	return jsontext.Quote(string(b[:min(len(b), 17)]), 16)
}
