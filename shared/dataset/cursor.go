package dataset

import (
	"bufio"
	"bytes"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A cursor reads a manifest forwards and counts bytes and lines.
type cursor struct {
	in       *bufio.Reader // the manifest's text as UTF-8
	encoding Encoding
	offset   int64 // offset of the next byte in the manifest
	line     int64 // line of the next byte, from 1
	afterCR  bool  // the last byte was the CR that ended a line, so a LF does not end another line
}

// newCursor returns a cursor at the position of r in a manifest.
func newCursor(r io.Reader, encoding Encoding, buffer int, offset, line int64) cursor {
	return cursor{
		in: bufio.NewReaderSize(encoding.reader(r), buffer), encoding: encoding, offset: offset, line: line,
	}
}

// window returns the unread bytes in memory, at least one byte. They are valid until the next call.
func (c *cursor) window() ([]byte, error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	return c.in.Peek(c.in.Buffered())
}

// advance moves past b, the start of the window. Lines end in LF, CRLF or CR.
func (c *cursor) advance(b []byte) {
	if len(b) == 0 {
		return
	}
	lines := bytes.Count(b, []byte{'\n'})
	if bytes.IndexByte(b, '\r') >= 0 {
		lines += bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
	}
	if c.afterCR && b[0] == '\n' {
		lines--
	}
	ends := b[len(b)-1] == '\r'
	c.pass(b)
	c.line += int64(lines)
	c.afterCR = ends
}

// pass moves past b, the start of the window, and counts no lines: b contains no line end, or the caller counts them.
func (c *cursor) pass(b []byte) {
	c.offset += c.encoding.size(b)
	c.afterCR = false
	_, _ = c.in.Discard(len(b)) // discarding buffered bytes does not fail
}

// skipSpace moves to the next byte that is neither JSON white space nor part of a byte order mark, and returns it
// unread. A mark may be anywhere between records, because files that begin with one are sometimes joined.
func (c *cursor) skipSpace() (byte, error) {
	for {
		b, err := c.window()
		if err != nil {
			return 0, err
		}
		n := 0
		for n < len(b) && jsontext.IsSpace(b[n]) {
			n++
		}
		c.advance(b[:n])
		if n == len(b) {
			continue
		}
		first := b[n]
		if first != byteOrderMark[0] {
			return first, nil
		}
		if b, _ = c.in.Peek(len(byteOrderMark)); string(b) != byteOrderMark {
			return first, nil
		}
		c.pass(b)
	}
}

const byteOrderMark = "\ufeff"
