package compression

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// A boundary reads the same bytes as a decoder, and finds the end of the last complete stream. Decoders do not report
// this end: they join consecutive streams, and do not report where other content begins. For gzip, gzipReader finds the
// end.
type boundary struct {
	kind  Kind
	ends  streamEnds
	read  int64
	end   int64  // end of the last complete stream; 0 if there is none
	after []byte // the first bytes after the stream, at most MagicBytes
}

// streamEnds finds the ends of streams of one kind.
type streamEnds interface {
	// next reads the first n bytes of p, and reports whether a stream ends after them. p follows the bytes of the previous
	// call.
	next(p []byte) (n int, ended bool)
}

// newBoundary returns the boundary for streams of a kind; nil if the kind needs no boundary.
func newBoundary(kind Kind) *boundary {
	switch kind {
	case Zstd:
		return &boundary{kind: kind, ends: &zstdEnds{need: 4, step: zstdMagic}}
	case Bzip2:
		return &boundary{kind: kind, ends: &bzip2Ends{}}
	case XZ:
		return &boundary{kind: kind, ends: &xzEnds{}}
	default:
		return nil
	}
}

func (b *boundary) pass(p []byte) {
	for b != nil && len(p) > 0 {
		n, ended := b.ends.next(p)
		if b.end > 0 {
			b.follow(p[:n])
		}
		b.read += int64(n)
		if ended {
			b.end, b.after = b.read, b.after[:0]
		}
		p = p[n:]
	}
}

// follow stores the first bytes after a stream in b.after. It skips zeros after a stream of xz, because they are
// padding.
func (b *boundary) follow(p []byte) {
	if b.kind == XZ && len(b.after) == 0 {
		p = bytes.TrimLeft(p, "\x00")
	}
	b.after = append(b.after, p[:min(len(p), MagicBytes-len(b.after))]...)
}

// noStream are the errors that decoders return if other content follows a stream.
var noStream = []error{
	io.ErrUnexpectedEOF, zstd.ErrMagicMismatch, xz.ErrFormat, xz.ErrBuf,
	bzip2.StructuralError("bad magic value in continuation file"),
}

// cause returns the cause of a decoder's error: a *trailingError if other content follows a complete stream, otherwise
// err.
func (b *boundary) cause(err error) error {
	if b == nil || b.end == 0 || len(b.after) == 0 || b.kind.mayBegin(b.after) {
		return err
	}
	for _, one := range noStream {
		if errors.Is(err, one) {
			return &trailingError{b.end}
		}
	}
	return err
}

// mayBegin reports whether a stream of the kind may begin with head.
func (k Kind) mayBegin(head []byte) bool {
	if k == Zstd && len(head) > 0 && head[0]&0xf0 == skippableMagic[0] {
		return agree(head[1:], skippableMagic[1:])
	}
	for _, f := range formats {
		if f.kind == k {
			return agree(head, []byte(f.magic))
		}
	}
	return false
}

// agree reports whether one of two byte strings begins with the other.
func agree(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

// skippableMagic begins a zstd frame that decoders skip; the low half of its first byte can have any value.
var skippableMagic = []byte("\x50\x2a\x4d\x18")

// zstdEnds finds the ends of zstd frames from their headers. Source: RFC 8878, 3.1.
type zstdEnds struct {
	head     []byte
	need     int                                       // number of bytes of head that step needs
	step     func(z *zstdEnds, head []byte) (end bool) // nil after bytes that are not a frame
	skip     int64                                     // number of bytes before the next head
	final    bool                                      // the frame ends after the skipped bytes
	checksum bool                                      // a checksum ends the frame
}

func (z *zstdEnds) next(p []byte) (int, bool) {
	if z.step == nil {
		return len(p), false
	}
	if z.skip > 0 {
		n := min(z.skip, int64(len(p)))
		z.skip -= n
		return int(n), z.skip == 0 && z.final
	}
	n := min(z.need-len(z.head), len(p))
	if z.head = append(z.head, p[:n]...); len(z.head) < z.need {
		return n, false
	}
	head := z.head
	z.head = z.head[:0]
	return n, z.step(z, head)
}

func zstdMagic(z *zstdEnds, head []byte) bool {
	z.final, z.checksum = false, false
	switch {
	case string(head) == "\x28\xb5\x2f\xfd":
		z.need, z.step = 1, zstdDescriptor
	case head[0]&0xf0 == skippableMagic[0] && bytes.Equal(head[1:], skippableMagic[1:]):
		z.need, z.step = 4, zstdSkippable
	default:
		z.step = nil
	}
	return false
}

func zstdSkippable(z *zstdEnds, head []byte) bool {
	return z.end(int64(binary.LittleEndian.Uint32(head)))
}

// end ends the frame after `after` more bytes, and reports whether after is 0.
func (z *zstdEnds) end(after int64) bool {
	z.skip, z.final = after, true
	z.need, z.step = 4, zstdMagic
	return after == 0
}

func zstdDescriptor(z *zstdEnds, head []byte) bool {
	d := head[0]
	single := d>>5&1 == 1
	z.checksum = d>>2&1 == 1
	z.skip = []int64{0, 1, 2, 4}[d&3] + []int64{0, 2, 4, 8}[d>>6] // the dictionary's id and the content's size
	if single && d>>6 == 0 {
		z.skip++
	} else if !single {
		z.skip++ // the window's size
	}
	z.need, z.step = 3, zstdBlock
	return false
}

func zstdBlock(z *zstdEnds, head []byte) bool {
	bits := int64(head[0]) | int64(head[1])<<8 | int64(head[2])<<16
	size := bits >> 3
	if bits>>1&3 == 1 { // a byte that is repeated
		size = 1
	}
	if bits&1 == 0 {
		z.skip = size
		return false
	}
	if z.checksum {
		size += 4
	}
	return z.end(size)
}

// bzip2Ends finds the ends of bzip2 streams: 48 marker bits, 32 bits of checksum, and padding to a whole byte.
type bzip2Ends struct{ high, low uint64 } // the last 128 bits

func (e *bzip2Ends) next(p []byte) (int, bool) {
	const magic = 0x177245385090
	for i, b := range p {
		e.high, e.low = e.high<<8|e.low>>56, e.low<<8|uint64(b)
		for rest := range 8 {
			shift := 32 + rest
			if (e.high<<(64-shift)|e.low>>shift)&(1<<48-1) == magic && e.low&(1<<rest-1) == 0 {
				return i + 1, true
			}
		}
	}
	return len(p), false
}

// xzEnds finds the footers of xz streams: 12 bytes with a checksum. Source: The .xz File Format, 2.1.2.
type xzEnds struct{ last [12]byte }

func (e *xzEnds) next(p []byte) (int, bool) {
	for n := 0; n < len(p); {
		step := bytes.IndexByte(p[n:], 'Z') + 1
		if step == 0 {
			step = len(p) - n
		}
		e.keep(p[n : n+step])
		n += step
		sum := binary.LittleEndian.Uint32(e.last[:])
		if string(e.last[10:]) == "YZ" && crc32.ChecksumIEEE(e.last[4:10]) == sum {
			return n, true
		}
	}
	return len(p), false
}

// keep adds p to last, which has the last 12 bytes of the stream.
func (e *xzEnds) keep(p []byte) {
	p = p[max(0, len(p)-len(e.last)):]
	copy(e.last[:], e.last[len(p):])
	copy(e.last[len(e.last)-len(p):], p)
}
