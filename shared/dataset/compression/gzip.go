package compression

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// A trailingError is the cause for a whole stream that is followed by something else.
type trailingError struct{ end int64 } // bytes of the stream

func (e *trailingError) Error() string { return fmt.Sprintf("other content after byte %d", e.end) }

// errNoEnd is the cause if a file of bgzip lacks the empty block at its end. Other gzip files do not show that a stream
// is missing.
var errNoEnd = errors.New("the last block is missing")

// A gzipReader reads several streams in a row as one, as gunzip does. It distinguishes a stream that is cut short from
// a whole stream with other content after it.
type gzipReader struct {
	*gzip.Reader
	buffer *bufio.Reader
	read   *source
	blocks bool // of bgzip
	held   bool // the last stream holds something
}

func newGzipReader(read *source) (*gzipReader, error) {
	buffer := bufio.NewReader(read)
	first, err := gzip.NewReader(buffer)
	if err != nil {
		return nil, err
	}
	first.Multistream(false)
	return &gzipReader{Reader: first, buffer: buffer, read: read, blocks: bytes.HasPrefix(first.Extra, bgzipMark)}, nil
}

// bgzipMark begins the extra field of a block of bgzip. Source: SAM specification, 4.1.
var bgzipMark = []byte("BC\x02\x00")

// Read reads what the streams hold.
func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		g.held = g.held || n > 0
		if n > 0 && err == io.EOF {
			return n, nil // the next call finds the end again
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the next stream; io.EOF if there is none.
func (g *gzipReader) next() error {
	end := g.read.n - int64(g.buffer.Buffered())
	magic := []byte{0x1f, 0x8b, 8}
	head, err := g.buffer.Peek(len(magic))
	switch {
	case err == io.EOF && len(head) == 0 && g.blocks && g.held:
		return errNoEnd
	case err != nil && err != io.EOF || len(head) == 0:
		return err
	}
	if !bytes.HasPrefix(magic, head) {
		return &trailingError{end}
	}
	err = g.Reset(g.buffer)
	g.Multistream(false)
	g.held = false
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
