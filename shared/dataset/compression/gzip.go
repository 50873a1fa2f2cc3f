package compression

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// A trailingError reports other content after a complete stream.
type trailingError struct{ end int64 } // number of bytes of the stream

func (e *trailingError) Error() string { return fmt.Sprintf("other content after byte %d", e.end) }

// errNoEnd reports that a file of bgzip lacks its last block, which is empty. In other gzip files, a missing stream at
// the end cannot be noticed.
var errNoEnd = errors.New("the last block is missing")

// A gzipReader reads consecutive streams as one stream, like gunzip. It distinguishes an incomplete stream from a
// complete stream that has other content after it.
type gzipReader struct {
	*gzip.Reader
	buffer *bufio.Reader
	read   *source
	blocks bool // the streams are blocks of bgzip
	held   bool // the last stream was not empty
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

// bgzipMark is the start of the extra field of a block of bgzip. Source: SAM specification, 4.1.
var bgzipMark = []byte("BC\x02\x00")

// Read reads the unpacked bytes of the streams.
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

// next begins the next stream. It returns io.EOF if there is no further stream.
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
