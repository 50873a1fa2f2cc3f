package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Scan is the state of splitting a manifest. With it, a manifest of any size can be split in steps of limited work. A
// Scan can be stored as JSON. The zero Scan is the state before the first step. After the last step, Done is true.
type Scan struct {
	// Layout has the ranges that were found so far. Its Size is the offset at which the next step begins. This is the
	// offset of a record, or 0 before the first step.
	Layout
	Done    bool  `json:"done"`
	Line    int64 `json:"line,omitempty"`    // line of the byte at Size, from 1
	Element int64 `json:"element,omitempty"` // number of the last record, from 1
	// First describes the manifest's first object while the list in this object is split. Whether this list is the
	// manifest is known only at the file's end.
	First *firstObject `json:"first_object,omitempty"`
}

// A firstObject has the position of the first object of a manifest, and its description.
type firstObject struct {
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Object object `json:"object"`
}

// errPaused reports that the step ends before the next record.
var errPaused = errors.New("the step is long enough")

// Next makes the next step. r must be at s.Size. The step ends at the first record that begins at least stepBytes
// (above 0) after s.Size, or at the end of the manifest. Only the elements of a list, or the lines of JSONL, are
// divided into steps. The text around the list, and the text from which the format is found, is read in one step. The
// last Scan has the same Layout as Split returns, however the manifest was divided into steps. The errors are those of
// Split.
func (s Scan) Next(r io.Reader, rangeBytes, stepBytes int64) (Scan, error) {
	return s.next(r, rangeBytes, stepBytes, headBytes)
}

func (s Scan) next(r io.Reader, rangeBytes, stepBytes int64, head int) (Scan, error) {
	if rangeBytes <= 0 || stepBytes <= 0 {
		return Scan{}, fmt.Errorf(
			"splitting a manifest into ranges of %d bytes, in steps of %d: give sizes above 0", rangeBytes, stepBytes)
	}
	t, err := s.splitter(r, head)
	if err != nil {
		return Scan{}, err
	}
	t.rangeBytes, t.headBytes = rangeBytes, head
	t.pauseAt = s.Size + min(stepBytes, math.MaxInt64-s.Size)
	err = s.goOn(t)
	var format *FormatError
	switch {
	case errors.As(err, &format):
		return Scan{}, format
	case err != nil && err != errPaused:
		return Scan{}, fmt.Errorf("reading the manifest at byte %d: %w", t.offset, err)
	}
	t.layout.Format, t.layout.Size = t.format, t.offset
	next := Scan{Layout: t.layout, Done: err == nil}
	if err == errPaused {
		next.Line, next.Element, next.First = t.line, t.element, t.first
	}
	return next, nil
}

// splitter returns a splitter that continues at the position of the scan. r must be at this position.
func (s Scan) splitter(r io.Reader, head int) (*splitter, error) {
	if s.Size > 0 {
		t := &splitter{scanner: scanner{cursor: newCursor(r, s.Encoding, head, s.Size, s.Line)}, layout: s.Layout}
		t.format, t.element = s.Format, s.Element
		t.layout.Ranges = append([]Span{}, s.Ranges...) // a copy, because the last range may still grow
		return t, nil
	}
	in := bufio.NewReaderSize(r, max(head, kindBytes))
	first, _ := in.Peek(kindBytes) // an error other than a short file is returned again by the next read
	if kind, ok := kindOf(first); ok {
		return nil, kind.refusal()
	}
	encoding := encodingOf(first)
	return &splitter{
		scanner: scanner{cursor: newCursor(in, encoding, head, 0, 1)},
		layout:  Layout{Framing: Framing{Encoding: encoding}, Ranges: []Span{}},
	}, nil
}

// goOn continues the splitting from the position of the scan.
func (s Scan) goOn(t *splitter) error {
	switch {
	case s.Size == 0:
		return t.split()
	case s.First != nil:
		t.firstLine = s.First.Line
		found, err := t.walkOn(s.First.Object)
		return t.splitWalked(*s.First, found, err)
	case s.Format == Array:
		return t.splitToEnd()
	case s.Format == Objects:
		return t.splitObjects()
	default:
		return t.splitMoreLines()
	}
}
