package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// Reads reports whether pages with this codec can be read.
func Reads(codec format.CompressionCodec) bool {
	switch codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd:
		return true
	default:
		return false
	}
}

// errSize reports that the size of a decompressed page differs from the size in its header.
var errSize = errors.New("its decompressed size differs from its header")

// A decompressor decompresses pages of one codec. The zero value is ready to use.
type decompressor struct{ zstd *zstd.Decoder }

// fill decompresses src into dst, which must have the decompressed size.
func (d *decompressor) fill(codec format.CompressionCodec, dst, src []byte) error {
	switch codec {
	case format.Snappy:
		if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
			return errSize
		}
		_, err := snappy.Decode(dst, src)
		return err
	case format.Zstd:
		return d.fillZstd(dst, src)
	case format.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return err
		}
		return readWhole(r, dst)
	case format.Brotli:
		return readWhole(brotli.NewReader(bytes.NewReader(src)), dst)
	case format.Uncompressed:
		if copy(dst, src) != len(src) || len(dst) != len(src) {
			return errSize
		}
		return nil
	default:
		return fmt.Errorf("it is compressed with %s, which Harvest does not read", codec)
	}
}

func (d *decompressor) fillZstd(dst, src []byte) (err error) {
	if d.zstd == nil {
		// The decoder writes only up to the capacity of dst. Without a stream, it has no goroutine that must be ended.
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
	}
	out, err := d.zstd.DecodeAll(src, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) {
		err = errSize
	}
	return err
}

// readWhole fills dst from r, which must have exactly len(dst) bytes.
func readWhole(r io.Reader, dst []byte) error {
	switch _, err := io.ReadFull(r, dst); {
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return errSize
	case err != nil:
		return err
	}
	var more [1]byte
	if n, err := r.Read(more[:]); n > 0 || err != nil && err != io.EOF {
		return errSize
	}
	return nil
}
