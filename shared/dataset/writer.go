package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// A Part is which piece of a file a Writer writes. The parts of a file, one after the other, are a
// valid file of their format. A whole file is Part{First: true, Last: true}.
type Part struct {
	First   bool // the file begins with this part
	Last    bool // the file ends with it
	Follows bool // parts before it have written records
}

// A Writer writes raw records, byte for byte, as a manifest or a part of one.
type Writer struct {
	out     *bufio.Writer
	format  Format
	part    Part
	records int64
}

// NewWriter writes a part of a file of that format to w. Close completes it.
func NewWriter(w io.Writer, format Format, part Part) *Writer {
	return &Writer{out: bufio.NewWriterSize(w, 64<<10), format: format, part: part}
}

// Write adds a record. A blank record is an error in both formats, and so is one with a line break
// in Lines; nothing is written then.
func (w *Writer) Write(raw []byte) error {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return fmt.Errorf("writing record %d: it is blank", w.records+1)
	case w.format == Lines && bytes.IndexByte(raw, '\n') >= 0:
		return fmt.Errorf("writing record %d: it spans several lines and cannot be one of a %s file; write a %s file",
			w.records+1, Lines, Array)
	}
	w.begin()
	if w.format == Array && (w.records > 0 || w.part.Follows) {
		_, _ = w.out.WriteString(",\n") // bufio keeps the first error for the write below
	}
	_, err := w.out.Write(raw)
	if w.format == Lines {
		err = w.out.WriteByte('\n')
	}
	if err != nil {
		return fmt.Errorf("writing record %d: %w", w.records+1, err)
	}
	w.records++
	return nil
}

// begin writes what is before the first record.
func (w *Writer) begin() {
	if w.format == Array && w.part.First && w.records == 0 {
		_, _ = w.out.WriteString("[\n") // bufio keeps the first error for the writes that follow
	}
}

// Close writes what is after the last record. It does not close the writer below.
func (w *Writer) Close() error {
	if w.records == 0 {
		w.begin()
	}
	if w.format == Array && w.part.Last {
		_, _ = w.out.WriteString("\n]\n") // bufio keeps the first error for Flush
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("completing a %s file: %w", w.format, err)
	}
	return nil
}
