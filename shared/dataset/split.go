package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Layout is a manifest as Split found it.
type Layout struct {
	Format  Format `json:"format"`
	Size    int64  `json:"size"` // bytes
	Records int64  `json:"records"`
	// Ranges hold all records, in order. Between ranges lie separators only.
	Ranges []Span `json:"ranges"`
}

// A Span is a slice of a manifest that begins with a record and ends with one.
type Span struct {
	Start        int64 `json:"start"` // offset of the first byte
	End          int64 `json:"end"`   // offset after the last byte
	Records      int64 `json:"records"`
	FirstElement int64 `json:"first_element"` // number of the first record in the manifest, from 1
	FirstLine    int64 `json:"first_line"`    // line on which the first record begins, from 1
}

const (
	// headBytes of a manifest are looked at together to find its format.
	headBytes = 1 << 20
	// judgedLines is how many lines have to be no JSON objects before a manifest is not JSONL.
	judgedLines = 100
	// maxJudgedBytes is the longest of these lines that is kept to be judged.
	maxJudgedBytes = 32 << 20
)

const twoFormats = "; a manifest is a JSON array of records, or JSONL with one record a line"

// Split reads a whole manifest once, in constant memory, and fixes its ranges. A range holds as
// many records as fit in rangeBytes (above 0), and at least one. The format is found by the
// content: an array if its first byte after a byte order mark and white space is a bracket, else
// lines. A manifest whose records cannot be separated is a *FormatError; other errors are those of r.
func Split(r io.Reader, rangeBytes int64) (Layout, error) {
	if rangeBytes <= 0 {
		return Layout{}, fmt.Errorf("splitting a manifest into ranges of %d bytes: the size must be above 0", rangeBytes)
	}
	s := splitter{
		scanner:    scanner{cursor: cursor{in: bufio.NewReaderSize(r, headBytes), line: 1}},
		layout:     Layout{Ranges: []Span{}},
		rangeBytes: rangeBytes,
	}
	err := s.split()
	var format *FormatError
	switch {
	case errors.As(err, &format):
		return Layout{}, format
	case err != nil:
		return Layout{}, fmt.Errorf("reading the manifest at byte %d: %w", s.offset, err)
	}
	s.layout.Size = s.offset
	return s.layout, nil
}

type splitter struct {
	scanner
	layout     Layout
	rangeBytes int64
}

func (s *splitter) split() error {
	// An error of Peek other than a short manifest is returned again by the next read.
	if mark, _ := s.in.Peek(3); string(mark) == "\ufeff" {
		s.advance(mark)
	}
	first, err := s.skipSpace()
	switch {
	case err == io.EOF:
		return s.fault("the file is empty" + twoFormats)
	case err != nil:
		return err
	case first == '[':
		s.format = Array
		err = s.splitArray()
	default:
		s.format = Lines
		err = s.splitLines()
	}
	s.layout.Format = s.format
	return err
}

func (s *splitter) splitArray() error {
	s.advance([]byte{'['})
	next, err := s.skipSpace()
	for err == nil && next != ']' {
		next, err = s.splitElement()
	}
	if err == io.EOF {
		return s.fault("the file ends before the array's closing \"]\", so it may have been cut short; " +
			"upload it whole" + orLines)
	}
	if err != nil {
		return err
	}
	s.advance([]byte{']'})
	switch _, err = s.skipSpace(); err {
	case io.EOF:
		return nil
	case nil:
		return s.fault("found " + s.found() + " after the array's closing \"]\"; remove it" + orLines)
	default:
		return err
	}
}

const orLines = ", or write the manifest as JSONL, one record a line, where only broken lines are lost"

// splitElement takes in one element and what separates it from the next, and returns the byte that
// stands at the cursor then: the next element's first, or the array's closing bracket.
func (s *splitter) splitElement() (byte, error) {
	start := s.cursor
	rec, err := s.record()
	if err == io.ErrUnexpectedEOF {
		return 0, &FormatError{
			Offset: start.offset, Line: start.line, Element: s.element,
			Detail: "the element that begins here is never closed: a bracket or a quote is missing, " +
				"or the file has been cut short" + fixArray,
		}
	}
	if err != nil {
		return 0, err
	}
	s.add(rec)
	next, err := s.skipSpace()
	if err != nil || next == ']' {
		return next, err
	}
	if next != ',' {
		return 0, s.unexpected(`"," or "]"`)
	}
	s.advance([]byte{','})
	if next, err = s.skipSpace(); next == ']' {
		return 0, s.unexpected("a record after the comma")
	}
	return next, err
}

func (s *splitter) splitLines() error {
	// A read error is returned again below.
	if head, _ := s.in.Peek(headBytes); spansLines(head) {
		return s.fault("the file begins with a JSON object that is written over several lines" + twoFormats)
	}
	start := s.cursor
	s.limit = maxJudgedBytes
	judged, isJSON := 0, false
	for {
		first, err := s.skipSpace()
		if err != nil && err != io.EOF {
			return err
		}
		if !isJSON && (err == io.EOF || judged == judgedLines) {
			s.cursor = start
			return &FormatError{
				Offset: start.offset, Line: start.line,
				Detail: fmt.Sprintf("the file is not JSON: none of its first %d lines is a JSON object", judged) + twoFormats,
			}
		}
		if err == io.EOF {
			return nil
		}
		rec, err := s.record()
		if err != nil {
			return err
		}
		s.add(rec)
		if !isJSON {
			judged++
			// A line too long to be kept is given the benefit of the doubt.
			isJSON = first == '{' && (rec.raw == nil || json.Valid(rec.raw))
		}
		if isJSON {
			s.limit = 0
		}
	}
}

// spansLines reports whether a manifest with this head begins with a JSON object that is not on one line.
func spansLines(head []byte) bool {
	var first json.RawMessage
	err := json.NewDecoder(bytes.NewReader(head)).Decode(&first)
	return err == nil && first[0] == '{' && bytes.IndexByte(first, '\n') >= 0
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
