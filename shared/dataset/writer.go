package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// A Part describes the part of a file that a Writer writes. The concatenated parts are a valid file. Part{First: true,
// Last: true} is a whole file.
type Part struct {
	First   bool // the file begins with this part
	Last    bool // the file ends with this part
	Follows bool // earlier parts have records
}

// A Writer writes raw records, byte for byte, as a manifest or as a part of a manifest.
type Writer struct {
	out     *bufio.Writer
	format  Format
	part    Part
	records int64
}

// NewWriter returns a Writer of a part of a file in this format. Close completes the part.
func NewWriter(w io.Writer, format Format, part Part) *Writer {
	return &Writer{out: bufio.NewWriterSize(w, 64<<10), format: format, part: part}
}

// Write adds a record. For a blank record, it returns an error and writes nothing. It does the same for a record with a
// line break if the format is Lines.
func (w *Writer) Write(raw []byte) error {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return fmt.Errorf("writing record %d: it is blank", w.records+1)
	case w.format == Lines && bytes.IndexByte(raw, '\n') >= 0:
		return fmt.Errorf("writing record %d: it has several lines, but a record of a %s file is one line; write a %s file",
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

// begin writes the text before the first record.
func (w *Writer) begin() {
	if w.format == Array && w.part.First && w.records == 0 {
		_, _ = w.out.WriteString("[\n") // bufio keeps the first error for the writes that follow
	}
}

// Close writes the text after the last record. It does not close the underlying writer.
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
