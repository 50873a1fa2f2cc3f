package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// readBytes is the size of a Reader's buffer. Before a record that may be plain, the buffer has at least lookahead
// bytes of the range, if there are so many: plain does not find a record that is cut off by the buffer's end.
const readBytes, lookahead = 256 << 10, 16 << 10

// A Reader yields the samples of one range. It keeps only one record in memory.
type Reader struct {
	scanner  scanner
	span     Span
	manifest string
	parse    Parser
	plain    func([]byte) (int, int) // the argument of Lend; nil if Lend was not called
	lent     Sample                  // the last sample that plain found
	last     record                  // the position of the last record
	err      error
}

// NewReader returns a Reader of the samples of span, a range that Split found in a manifest of this file name and
// framing. r is at span.Start; bytes after span.End are not read. parse converts a record to a sample. The error
// reports invalid limits.
func NewReader(
	r io.Reader, framing Framing, span Span, manifest string, limits Limits, parse Parser,
) (*Reader, error) {
	if err := limits.Validate(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifest, err)
	}
	in := io.LimitReader(r, span.End-span.Start)
	return &Reader{
		scanner: scanner{
			cursor:  newCursor(in, framing.Encoding, readBytes, span.Start, span.FirstLine),
			format:  framing.Format,
			limit:   limits.MaxRecordBytes,
			element: span.FirstElement - 1,
		},
		span:     span,
		manifest: manifest,
		parse:    parse,
	}, nil
}

// Lend makes Next return samples that are valid only until the next call. This saves a copy of each record. If the
// record at the start of a text certainly has no problem, plain returns its length, and its number of line ends, -1 if
// not known; otherwise the length is 0. A record that plain accepts is not parsed: its sample has only Raw and Place.
func (r *Reader) Lend(plain func(text []byte) (length, lines int)) { r.plain = plain }

// Next returns the next sample, valid or with its Problem, and io.EOF after span.Records samples. Any other error means
// that r failed, or that the range does not have the records that Split counted. Later calls return the same error.
func (r *Reader) Next() (*Sample, error) {
	if r.err != nil {
		return nil, r.err
	}
	s, err := r.next()
	if err != nil {
		r.err = r.failure(err)
	}
	return s, r.err
}

// failure returns what Next returns for an error of next.
func (r *Reader) failure(err error) error {
	if err == io.EOF {
		return io.EOF
	}
	if format, ok := errors.AsType[*FormatError](err); ok {
		// Split accepted the manifest, so this is not a mistake of its author.
		return fmt.Errorf("reading bytes %d to %d of %s: they have changed since the manifest was split: %s",
			r.span.Start, r.span.End, r.manifest, format.Error())
	}
	return fmt.Errorf("reading bytes %d to %d of %s, at byte %d: %w",
		r.span.Start, r.span.End, r.manifest, r.scanner.offset, err)
}

func (r *Reader) next() (*Sample, error) {
	read := r.scanner.element - r.span.FirstElement + 1
	if read == r.span.Records {
		return nil, io.EOF
	}
	next, err := r.scanner.skipSeparators()
	if err == nil && read > 0 && r.scanner.format == Array {
		if next != ',' {
			return nil, r.scanner.unexpected(`","`)
		}
		r.scanner.pass([]byte{','})
		_, err = r.scanner.skipSpace()
	}
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	rec, plain := r.plainRecord()
	if !plain {
		if rec, err = r.scanner.record(); err != nil {
			return nil, err
		}
	}
	// An incomplete line cannot be recognised. So the last record must end where the range ends.
	if read+1 == r.span.Records && rec.end != r.span.End {
		return nil, io.ErrUnexpectedEOF
	}
	r.last = record{start: rec.start, end: rec.end, line: rec.line}
	if plain {
		r.lent = Sample{Raw: rec.raw, Place: Place{Manifest: r.manifest, Element: r.scanner.element, Line: rec.line}}
		return &r.lent, nil
	}
	return r.sample(rec), nil
}

// plainRecord moves past the record at the cursor if plain finds it in the window. In JSONL it also moves past blanks
// and commas after the record; nothing else may follow on the line.
func (r *Reader) plainRecord() (record, bool) {
	s := &r.scanner
	if r.plain == nil {
		return record{}, false
	}
	if s.in.Buffered() < lookahead {
		_, _ = s.in.Peek(lookahead) // fewer bytes are enough; an error is returned again by the next read
	}
	window, _ := s.window()
	n, lines := r.plain(window)
	end := n
	if s.format == Lines {
		for end < len(window) && (window[end] == ' ' || window[end] == '\t' || window[end] == ',') {
			end++
		}
		if lines != 0 || end == len(window) || window[end] != '\n' {
			return record{}, false
		}
	}
	if n == 0 || end > s.limit {
		return record{}, false
	}
	s.element++
	rec := record{start: s.offset, line: s.line, raw: window[:n:n]}
	if lines < 0 {
		s.advance(window[:end])
	} else {
		s.pass(window[:end])
		s.line += int64(lines)
	}
	rec.end = s.offset
	return rec, true
}

func (r *Reader) sample(rec record) *Sample {
	place := Place{Manifest: r.manifest, Element: r.scanner.element, Line: rec.line}
	if rec.raw == nil {
		return Unread(place, Fault{Code: RecordTooLarge, Detail: fmt.Sprintf(
			"the record has %d bytes, more than the %d allowed; shorten it, "+
				"or give its images as files instead of embedding them",
			rec.end-rec.start, r.scanner.limit)})
	}
	if r.plain != nil {
		return r.parse(rec.raw[:len(rec.raw):len(rec.raw)], place)
	}
	return r.parse(bytes.Clone(rec.raw), place)
}
