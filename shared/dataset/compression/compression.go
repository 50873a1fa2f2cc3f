// Package compression unpacks compressed manifests with limited memory. The formats cannot be read from the middle, so
// a whole stream is unpacked once.
package compression

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// A Kind is a compression format; "" means not compressed.
type Kind string

// The kinds of streams.
const (
	Gzip  Kind = "gzip"
	Zstd  Kind = "zstd"
	Bzip2 Kind = "bzip2"
	XZ    Kind = "xz"
	// Encoded is the kind of an object that Cloud Storage stores with `Content-Encoding: gzip`, and unpacks when it is
	// read.
	Encoded Kind = "gzip, by Content-Encoding"
)

// MagicBytes is the number of bytes, at the start of a stream, that Of needs.
const MagicBytes = 6

// maxDecoderBytes is the memory limit of a decoder. A stream that needs a larger window is refused.
const maxDecoderBytes = 128 << 20

// formats are the kinds, with the first bytes of their streams and the command that unpacks them.
var formats = []struct {
	kind           Kind
	magic, command string
}{
	{Gzip, "\x1f\x8b", "gunzip"},
	{Zstd, "\x28\xb5\x2f\xfd", "zstd -d"},
	{Bzip2, "BZh", "bunzip2"},
	{XZ, "\xfd7zXZ\x00", "unxz"},
}

// Of finds the kind of a stream from its first bytes. The name of the file does not matter.
func Of(head []byte) Kind {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.kind
		}
	}
	return ""
}

// Command returns the shell command that unpacks standard input to standard output. It is empty for Encoded.
func (k Kind) Command() string {
	for _, f := range formats {
		if f.kind == k {
			return f.command
		}
	}
	return ""
}

// A StreamError reports that a stream cannot be unpacked.
type StreamError struct {
	Kind Kind
	// Packed and Unpacked are the numbers of bytes that were read and written.
	Packed, Unpacked int64
	// Err is the cause: io.ErrUnexpectedEOF for an incomplete stream, a *LimitError for a stream that is too long, a
	// *trailingError for other content after a stream, errNoEnd for blocks of bgzip without the last block, or the
	// decoder's error for a damaged stream.
	Err error
}

// Error returns the cause and the fix.
func (e *StreamError) Error() string {
	limit, tooLong := errors.AsType[*LimitError](e.Err)
	more, trailed := errors.AsType[*trailingError](e.Err)
	switch {
	case trailed:
		return fmt.Sprintf("the file is compressed with %s and has other content after the compressed stream, which ends "+
			"after %d bytes, which unpack to %d; remove the rest (`head -c %d` keeps the stream), or download the file again",
			e.Kind, more.end, e.Unpacked, more.end)
	case errors.Is(e.Err, errNoEnd):
		return fmt.Sprintf("the file is compressed with bgzip and cut short: it ends between two blocks, after %d bytes, "+
			"which unpack to %d, and lacks the empty last block; download or compress it again", e.Packed, e.Unpacked)
	case tooLong:
		return fmt.Sprintf("the file is compressed with %s and unpacks to more than the %d bytes that %s allows; give the "+
			"unpacked file, which has no limit, or several smaller files", e.Kind, limit.Bytes, limit.Variable)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("the file is compressed with %s and cut short: it ends after %d bytes, which unpack to %d; "+
			"download or compress it again", e.Kind, e.Packed, e.Unpacked)
	default:
		return fmt.Sprintf("the file is compressed with %s and damaged after about %d bytes, which unpack to %d (%v); "+
			"download or compress it again", e.Kind, e.Packed, e.Unpacked, e.Err)
	}
}

// Unwrap returns the cause.
func (e *StreamError) Unwrap() error { return e.Err }

// A LimitError reports that a stream unpacks to more bytes than allowed.
type LimitError struct {
	Bytes    int64
	Variable string // the environment variable that sets the limit, or another name of the limit
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d bytes (%s)", e.Bytes, e.Variable)
}

// Unpack unpacks a stream of a kind from r to w. A *StreamError reports an invalid stream; other errors are those of r
// and w.
func Unpack(w io.Writer, r io.Reader, kind Kind, limits Limits) error {
	in := &source{r: r, passed: newBoundary(kind)}
	out := &sink{w: w}
	err := unpack(out, in, kind, limits)
	switch {
	case err == nil:
		return nil
	case in.err != nil:
		return in.err
	case out.err != nil:
		return out.err
	case err == io.EOF, errors.Is(err, xz.ErrBuf): // r ends inside a header or inside a stream of xz
		err = io.ErrUnexpectedEOF
	}
	err = in.passed.cause(err)
	return &StreamError{Kind: kind, Packed: in.n, Unpacked: out.n, Err: err}
}

func unpack(w io.Writer, r *source, kind Kind, limits Limits) error {
	stream, err := kind.reader(r)
	if err != nil {
		return err
	}
	defer stream.Close()
	limit := limits.of(kind)
	n, err := io.Copy(w, io.LimitReader(stream, limit.Bytes))
	if err != nil || n < limit.Bytes {
		return err
	}
	if n, err := io.CopyN(io.Discard, stream, 1); n == 0 && err == io.EOF {
		return nil
	}
	return &limit
}

// reader returns a reader of the unpacked bytes of a stream.
func (k Kind) reader(r *source) (io.ReadCloser, error) {
	switch k {
	case Gzip:
		return newGzipReader(r)
	case Zstd:
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxDecoderBytes))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case XZ:
		d, err := xz.NewReader(r, maxDecoderBytes)
		return io.NopCloser(d), err
	default:
		return io.NopCloser(r), nil
	}
}

// A source counts the bytes that are read from r. It keeps an error of r, to distinguish it from an error of the
// stream.
type source struct {
	r      io.Reader
	n      int64
	err    error
	passed *boundary // nil if the kind needs no boundary
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.passed.pass(p[:n])
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// A sink counts the bytes that are written to w, and keeps an error of w.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	s.err = err
	return n, err
}
