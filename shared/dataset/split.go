package dataset

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A Layout is the result of Split.
type Layout struct {
	Framing
	Size    int64 `json:"size"` // bytes
	Records int64 `json:"records"`
	// Ranges contain all records, in order. The bytes between ranges are only separators.
	Ranges []Span `json:"ranges"`
	// Schema has an entry for each column of the container, as messages show the column. It is nil if the manifest has no
	// columns. Records of files with unequal columns cannot be in one subset.
	Schema []string `json:"schema,omitempty"`
}

// A Span is a range of a manifest that begins and ends with a record. Its offsets count bytes of the file, even if the
// text is UTF-16.
type Span struct {
	Start        int64 `json:"start"` // offset of the first byte
	End          int64 `json:"end"`   // offset after the last byte
	Records      int64 `json:"records"`
	FirstElement int64 `json:"first_element"` // number of the first record in the manifest, from 1
	FirstLine    int64 `json:"first_line"`    // line on which the first record begins, from 1; 0 in a container
}

const (
	// headBytes is the number of bytes, at the start of a manifest, from which its format is found.
	headBytes = 1 << 20
	// judgedLines is the number of lines at the start of JSONL. At least one of them must be a JSON object.
	judgedLines = 100
	// maxJudgedBytes is the length limit, in bytes, of these lines. A longer line is not kept in memory and not parsed.
	maxJudgedBytes = 32 << 20
)

const theForms = "; a manifest is a JSON array of records, a JSON object that contains one, " +
	"or JSONL with one record a line"

// Split reads a whole manifest once, in constant memory, and divides it into ranges. A range has as many records as fit
// in rangeBytes (above 0), and at least one. The format depends only on the content of the file. The name does not
// matter. The error is a *FormatError if the records cannot be separated, or if the file is of another kind. Other
// errors are those of r.
func Split(r io.Reader, rangeBytes int64) (Layout, error) { return split(r, rangeBytes, headBytes) }

func split(r io.Reader, rangeBytes int64, head int) (Layout, error) {
	s, err := Scan{}.next(r, rangeBytes, math.MaxInt64, head)
	return s.Layout, err
}

type splitter struct {
	scanner
	layout     Layout
	rangeBytes int64
	headBytes  int
	isTrial    bool         // only the head of the manifest is split
	note       string       // about the first object, for the error if the manifest is not JSON
	pauseAt    int64        // records that begin at this offset or later belong to the next step
	first      *firstObject // the object whose list is split when the scan pauses; nil if there is none
}

func (s *splitter) split() error {
	first, err := s.skipSpace()
	switch {
	case err == io.EOF && s.offset == 0:
		return s.fault("the file is empty; download it again, or write records to " +
			"it, as JSON, JSONL, Parquet or tar")
	case err == io.EOF:
		return s.fault("the file has only white space" + theForms)
	case err != nil:
		return err
	case first == '[':
		return s.splitArray()
	case first == '{':
		return s.splitObject()
	default:
		return s.splitLines()
	}
}

func (s *splitter) splitArray() error {
	s.format = Array
	s.pass([]byte{'['})
	return s.splitToEnd()
}

// splitToEnd splits the elements of an array after its opening bracket, up to the file's end.
func (s *splitter) splitToEnd() error {
	if err := s.splitElements(); err != nil {
		return err
	}
	switch _, err := s.skipSpace(); err {
	case io.EOF:
		return nil
	case nil:
		return s.fault("found " + s.found() + " after the array's closing \"]\"; remove it" + orLines)
	default:
		return err
	}
}

// splitElements splits the elements of an array after its opening bracket, and moves past the closing bracket.
func (s *splitter) splitElements() error {
	next, err := s.skipSpace()
	for err == nil && next != ']' {
		if s.offset >= s.pauseAt {
			return errPaused
		}
		next, err = s.splitElement()
	}
	if err == io.EOF {
		return s.fault("the file ends before the array's closing \"]\", so it may have been cut short; " +
			"upload the whole file" + orLines)
	}
	if err != nil {
		return err
	}
	s.pass([]byte{']'})
	return nil
}

// splitElement adds one element and moves past its separator. It returns the byte at the cursor: the first byte of the
// next element, or the array's closing bracket.
func (s *splitter) splitElement() (byte, error) {
	if err := s.splitRecord(); err != nil {
		return 0, err
	}
	next, err := s.skipSpace()
	if err != nil || next == ']' {
		return next, err
	}
	if next != ',' {
		return 0, s.unexpected(`"," or "]"`)
	}
	s.pass([]byte{','})
	if next, err = s.skipSpace(); next == ']' {
		return 0, s.unexpected("a record after the comma")
	}
	return next, err
}

// splitRecord adds the record at the cursor.
func (s *splitter) splitRecord() error {
	start := s.cursor
	rec, err := s.record()
	if err == io.ErrUnexpectedEOF {
		return &FormatError{
			Offset: start.offset, Line: start.line, Element: s.element,
			Detail: "the element that begins here is never closed: a bracket or a quote is missing, " +
				"or the file has been cut short" + fixThere,
		}
	}
	if err != nil {
		return err
	}
	s.add(rec)
	return nil
}

// splitObjects splits a series of objects.
func (s *splitter) splitObjects() error {
	s.format = Objects
	for {
		next, err := s.skipSeparators()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case next != '{':
			return s.unexpected("an object")
		case s.offset >= s.pauseAt:
			return errPaused
		}
		if err := s.splitRecord(); err != nil {
			return err
		}
	}
}

// splitLines splits lines. At least one of the first judgedLines must be an object.
func (s *splitter) splitLines() error {
	s.format = Lines
	start := s.cursor
	s.limit = maxJudgedBytes
	head, _ := s.in.Peek(kindBytes) // an error is returned again by the next read
	head = bytes.Clone(head)
	for judged := 0; ; judged++ {
		first, err := s.skipSeparators()
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || judged == judgedLines {
			fault := &FormatError{
				Offset: start.offset, Line: start.line,
				Detail: fmt.Sprintf(
					"the file is not JSON: none of its first %d lines is a JSON object",
					judged,
				) + s.note,
			}
			fault.looksLike(head)
			return fault
		}
		rec, err := s.record()
		if err != nil {
			return err
		}
		s.add(rec)
		// A line that is too long to be kept is assumed to be an object.
		if first == '{' && (rec.raw == nil || jsontext.SyntaxError(rec.raw) == nil) {
			return s.splitMoreLines()
		}
	}
}

// splitMoreLines splits the lines from the cursor on. It does not check their content.
func (s *splitter) splitMoreLines() error {
	s.format, s.limit = Lines, 0
	for {
		switch _, err := s.skipSeparators(); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case s.offset >= s.pauseAt:
			return errPaused
		}
		rec, err := s.record()
		if err != nil {
			return err
		}
		s.add(rec)
	}
}

func (s *splitter) add(rec record) {
	s.layout.Records++
	if n := len(s.layout.Ranges); n > 0 {
		if last := &s.layout.Ranges[n-1]; rec.end-last.Start <= s.rangeBytes {
			last.End = rec.end
			last.Records++
			return
		}
	}
	s.layout.Ranges = append(s.layout.Ranges, Span{
		Start: rec.start, End: rec.end, Records: 1, FirstElement: s.element, FirstLine: rec.line,
	})
}
