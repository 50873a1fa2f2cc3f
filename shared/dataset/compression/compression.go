// Package compression unpacks compressed manifests, in bounded memory. None of the formats can be read by range, so a
// stream is unpacked once, as a whole.
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

// A Kind is how a stream is compressed; "" is not compressed.
type Kind string

// The kinds of streams.
const (
	Gzip  Kind = "gzip"
	Zstd  Kind = "zstd"
	Bzip2 Kind = "bzip2"
	XZ    Kind = "xz"
	// Encoded is the kind of an object which Cloud Storage keeps with `Content-Encoding: gzip`, and unpacks when it is
	// read.
	Encoded Kind = "gzip, by Content-Encoding"
)

// MagicBytes is how many bytes of a stream Of needs.
const MagicBytes = 6

// maxDecoderBytes bounds the memory of a decoder: no stream that needs a larger window is read.
const maxDecoderBytes = 128 << 20

// formats are the kinds by the bytes that their streams begin with, and the command that unpacks each.
var formats = []struct {
	kind           Kind
	magic, command string
}{
	{Gzip, "\x1f\x8b", "gunzip"},
	{Zstd, "\x28\xb5\x2f\xfd", "zstd -d"},
	{Bzip2, "BZh", "bunzip2"},
	{XZ, "\xfd7zXZ\x00", "unxz"},
}

// Of finds by the first bytes of a stream how it is compressed. The name does not matter.
func Of(head []byte) Kind {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.kind
		}
	}
	return ""
}

// Command is the shell command that unpacks its input to its output; empty for an object that is unpacked when it is
// read.
func (k Kind) Command() string {
	for _, f := range formats {
		if f.kind == k {
			return f.command
		}
	}
	return ""
}

// A StreamError is the error of a stream that cannot be unpacked.
type StreamError struct {
	Kind Kind
	// Packed and Unpacked are how many bytes were read and written.
	Packed, Unpacked int64
	// Err is io.ErrUnexpectedEOF if the stream is cut short, a *LimitError if it is too long, a *trailingError if
	// something follows it, errNoEnd if blocks of gzip end without the last one, else the decoder's error about damage.
	Err error
}

// Error is what was found, and the fix.
func (e *StreamError) Error() string {
	limit, tooLong := errors.AsType[*LimitError](e.Err)
	more, trailed := errors.AsType[*trailingError](e.Err)
	switch {
	case trailed:
		return fmt.Sprintf("the file is compressed with %s and holds something else after the stream's end: it is whole "+
			"after %d bytes, which unpack to %d; remove the rest (`head -c %d` keeps the stream), or download it again",
			e.Kind, more.end, e.Unpacked, more.end)
	case errors.Is(e.Err, errNoEnd):
		return fmt.Sprintf("the file is compressed with bgzip and cut short between two blocks: it ends after %d bytes, "+
			"which unpack to %d, and the empty block at its end is missing; download or pack it again", e.Packed, e.Unpacked)
	case tooLong:
		return fmt.Sprintf("the file is compressed with %s and unpacks to more than the %d bytes that %s allows; give it "+
			"unpacked, which is read in parts, or in several files", e.Kind, limit.Bytes, limit.Variable)
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("the file is compressed with %s and cut short: it ends after %d bytes, which unpack to %d; "+
			"download or pack it again", e.Kind, e.Packed, e.Unpacked)
	default:
		return fmt.Sprintf("the file is compressed with %s and damaged after about %d bytes, which unpack to %d (%v); "+
			"download or pack it again", e.Kind, e.Packed, e.Unpacked, e.Err)
	}
}

// Unwrap is the cause.
func (e *StreamError) Unwrap() error { return e.Err }

// A LimitError is the cause of a stream that unpacks to more bytes than allowed.
type LimitError struct {
	Bytes    int64
	Variable string // a variable of the environment, or another name of the limit
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d bytes (%s)", e.Bytes, e.Variable)
}

// Unpack writes what a stream of a kind holds. A *StreamError is a fault of the stream; other errors are those of r and
// w.
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
	case err == io.EOF, errors.Is(err, xz.ErrBuf): // in a head, and wherever a stream in xz ends too early
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

// reader reads what a stream holds.
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

// A source counts the bytes that are read. It keeps an error of reading, to distinguish it from an error of the
// content.
type source struct {
	r      io.Reader
	n      int64
	err    error
	passed *boundary // nil where ends of streams are found otherwise
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

// A sink counts what is written, and keeps an error of writing.
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
