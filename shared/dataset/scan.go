package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Scan is how far a manifest is split, so that a manifest of any size is split in steps of bounded work. It can be
// stored as JSON. The zero Scan is the state before the first step; after the last step it is Done.
type Scan struct {
	// Layout is what is found so far. Its Size is the offset at which the next step begins, at a record's first byte; 0
	// before the first step.
	Layout
	Done    bool  `json:"done"`
	Line    int64 `json:"line,omitempty"`    // of that byte, from 1
	Element int64 `json:"element,omitempty"` // number of the last record, from 1
	// First is what is known of the manifest's first object as long as the list in it is split: whether that is the
	// manifest is not known before the file's end.
	First *firstObject `json:"first_object,omitempty"`
}

// A firstObject is where the first object of a manifest begins, and what is known of it.
type firstObject struct {
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Object object `json:"object"`
}

// errPaused ends a step before a record.
var errPaused = errors.New("the step has enough")

// Next does the next step. r is at s.Size. The step ends at the first record that begins stepBytes or more (above 0)
// after that, or with the manifest. Only the records of a list or of lines are divided: what is around them, and what
// is read to find the form, is of one step. The last Scan has the Layout that Split finds, for any division into steps,
// and errors are those of Split.
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

// splitter is the splitter at the place of the scan, where r is.
func (s Scan) splitter(r io.Reader, head int) (*splitter, error) {
	if s.Size > 0 {
		t := &splitter{scanner: scanner{cursor: newCursor(r, s.Encoding, head, s.Size, s.Line)}, layout: s.Layout}
		t.format, t.element = s.Format, s.Element
		t.layout.Ranges = append([]Span{}, s.Ranges...) // the last one may still grow
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

// goOn splits on from where the scan is.
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
