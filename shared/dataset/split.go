package dataset

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A Layout is a manifest as Split found it.
type Layout struct {
	Framing
	Size    int64 `json:"size"` // bytes
	Records int64 `json:"records"`
	// Ranges hold all records, in order. Only separators are between ranges.
	Ranges []Span `json:"ranges"`
	// Schema are the columns of a container that has some, one an entry, as messages name them. Records of files with
	// unequal ones cannot be in one subset.
	Schema []string `json:"schema,omitempty"`
}

// A Span is a slice of a manifest that begins with a record and ends with one. Its offsets are those of the file, also
// where the text is UTF-16.
type Span struct {
	Start        int64 `json:"start"` // offset of the first byte
	End          int64 `json:"end"`   // offset after the last byte
	Records      int64 `json:"records"`
	FirstElement int64 `json:"first_element"` // number of the first record in the manifest, from 1
	FirstLine    int64 `json:"first_line"`    // line on which the first record begins, from 1; 0 in a container
}

const (
	// headBytes of a manifest are looked at together to find its format.
	headBytes = 1 << 20
	// judgedLines is how many lines are not JSON objects before a manifest is not JSONL.
	judgedLines = 100
	// maxJudgedBytes is the longest of these lines that is kept to be judged.
	maxJudgedBytes = 32 << 20
)

const theForms = "; a manifest is a JSON array of records, a JSON object that holds one, " +
	"or JSONL with one record a line"

// Split reads a whole manifest once, in constant memory, and fixes its ranges. A range holds as
// many records as fit in rangeBytes (above 0), and at least one. The form is found by the content,
// whatever the file's name. A manifest whose records cannot be separated, and a file of another kind,
// is a *FormatError; other errors are those of r.
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
	isTrial    bool         // on the head alone
	note       string       // about the first object, for a manifest that turns out not to be JSON
	pauseAt    int64        // offset from which on the next record belongs to another step
	first      *firstObject // in whose list the scan pauses; nil if it pauses elsewhere
}

func (s *splitter) split() error {
	first, err := s.skipSpace()
	switch {
	case err == io.EOF && s.offset == 0:
		return s.fault("the file is empty: it was not written, or not downloaded; download it again, or write records to " +
			"it, as JSON, JSONL, Parquet or tar")
	case err == io.EOF:
		return s.fault("the file is empty except for blanks" + theForms)
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

// splitToEnd takes in the elements of the array whose bracket has been passed, up to the file's end.
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

// splitElements takes in the elements of the array whose bracket has been passed, and passes its closing one.
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
			"upload it whole" + orLines)
	}
	if err != nil {
		return err
	}
	s.pass([]byte{']'})
	return nil
}

// splitElement takes in one element and what separates it from the next, and returns the byte that
// is at the cursor then: the next element's first, or the array's closing bracket.
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

// splitRecord takes in the record at the cursor.
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

// splitObjects takes in objects that are one after the other.
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

// splitLines takes in lines. At least one of the first of them has to be an object.
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
		// A line too long to be kept is given the benefit of the doubt.
		if first == '{' && (rec.raw == nil || jsontext.SyntaxError(rec.raw) == nil) {
			return s.splitMoreLines()
		}
	}
}

// splitMoreLines takes in the lines from the cursor on, whatever they are.
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
