package images

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"github.com/harvest-ml/harvest/shared/images/imagetest"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// large is the side of pictures in pixels. They are so large that memory of a fixed size does not matter.
const large = 512

// drawn returns a picture as an encoder writes it.
func drawn(tb testing.TB, picture image.Image, encode func(io.Writer, image.Image) error) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := encode(&out, picture); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// lossyFrame returns the content of a VP8 chunk of any size. It is the frame of a picture of one pixel, with the size
// replaced and followed by zeros.
func lossyFrame(tb testing.TB) []byte {
	tb.Helper()
	frame := bytes.Clone(webpOfOnePixel(tb)[riffHeader+chunkHeader:])
	binary.LittleEndian.PutUint16(frame[6:], large)
	binary.LittleEndian.PutUint16(frame[8:], large)
	return append(frame, make([]byte, large*large/64)...)
}

// worstTIFF returns a gray TIFF in one block. Its compressed data decompress to eight times the pixels of the picture.
func worstTIFF(tb testing.TB) []byte {
	tb.Helper()
	data := drawn(tb, image.NewGray(image.Rect(0, 0, large, large)), func(w io.Writer, m image.Image) error {
		return tiff.Encode(w, m, &tiff.Options{Compression: tiff.Deflate})
	})
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 8*large*large)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	at := int(binary.LittleEndian.Uint32(data[4:]))
	for i := range int(binary.LittleEndian.Uint16(data[at:])) {
		switch entry := data[at+2+12*i:]; binary.LittleEndian.Uint16(entry) {
		case 273: // the offset of the block
			binary.LittleEndian.PutUint32(entry[8:], uint32(len(data)))
		case 279: // the length of the block
			binary.LittleEndian.PutUint32(entry[8:], uint32(packed.Len()))
		}
	}
	return append(data, packed.Bytes()...)
}

// encodedKinds returns an image of each kind of footprint, by name.
func encodedKinds(tb testing.TB) map[string][]byte {
	area := image.Rect(0, 0, large, large)
	palette := image.NewPaletted(area, color.Palette{color.Black, color.White})
	glass := image.NewPaletted(area, color.Palette{color.Transparent, color.White})
	asTIFF := func(compression tiff.CompressionType) func(io.Writer, image.Image) error {
		return func(w io.Writer, m image.Image) error {
			return tiff.Encode(w, m, &tiff.Options{Compression: compression})
		}
	}
	interlaced := imagetest.PNG(large, large, 16, 6)
	interlaced[28] = 1 // now its checksum and rows are wrong, but the decoder allocates memory before it notices this
	binary.BigEndian.PutUint32(interlaced[29:], crc32.ChecksumIEEE(interlaced[12:29]))
	kinds := map[string][]byte{
		"jpeg by the library": drawn(tb, image.NewRGBA(area), func(w io.Writer, m image.Image) error {
			return jpeg.Encode(w, m, nil)
		}),
		"png with palette":      drawn(tb, palette, png.Encode),
		"png with clear colour": drawn(tb, glass, png.Encode),
		"png interlaced":        interlaced,
		"gif": drawn(tb, glass, func(w io.Writer, m image.Image) error {
			return gif.Encode(w, m, nil)
		}),
		"bmp":            drawn(tb, image.NewRGBA(area), bmp.Encode),
		"bmp palette":    drawn(tb, palette, bmp.Encode),
		"bmp clear":      drawn(tb, image.NewNRGBA(area), bmp.Encode),
		"tiff":           drawn(tb, image.NewRGBA(area), asTIFF(tiff.Uncompressed)),
		"tiff clear":     drawn(tb, image.NewNRGBA(area), asTIFF(tiff.Deflate)),
		"tiff 16":        drawn(tb, image.NewNRGBA64(area), asTIFF(tiff.Deflate)),
		"tiff gray":      drawn(tb, image.NewGray(area), asTIFF(tiff.Deflate)),
		"tiff worst":     worstTIFF(tb),
		"webp":           imagetest.LosslessWebP(large, large, false),
		"webp indexed":   imagetest.LosslessWebP(large, large, true),
		"webp lossy":     imagetest.RIFF("VP8 ", lossyFrame(tb)),
		"webp and alpha": imagetest.WebPWithAlpha(large, large, lossyFrame(tb)),
	}
	for name, progressive := range map[string]bool{"jpeg": false, "progressive jpeg": true} {
		kinds[name+" gray"] = imagetest.JPEG(large, large, 1, 0x11, progressive)
		kinds[name] = imagetest.JPEG(large, large, 3, 0x11, progressive)
		kinds[name+" 4:2:0"] = imagetest.JPEG(large, large, 3, 0x22, progressive)
		kinds[name+" cmyk"] = imagetest.JPEG(large, large, 4, 0x11, progressive)
		kinds[name+" cmyk 4:2:0"] = imagetest.JPEG(large, large, 4, 0x22, progressive)
	}
	for name, colour := range map[string]byte{"gray": 0, "rgb": 2, "gray and alpha": 4, "rgb and alpha": 6} {
		kinds["png "+name] = imagetest.PNG(large, large, 8, colour)
		kinds["png 16 "+name] = imagetest.PNG(large, large, 16, colour)
	}
	return kinds
}

// TestMeasureHiddenFrame measures a progressive JPEG with a restart marker before its frame. This marker has no length.
// A reader that expects a length would find another frame after it.
func TestMeasureHiddenFrame(t *testing.T) {
	t.Parallel()
	data := imagetest.JPEG(large, large, 3, 0x11, true)
	plain, fault := Measure(data)
	if fault != nil {
		t.Fatal(fault.Reason())
	}
	hidden, fault := Measure(append([]byte{0xff, 0xd8, 0xff, 0xd0}, data[2:]...))
	if fault != nil || hidden != plain {
		t.Errorf("%+v, %v; want %+v", hidden, fault, plain)
	}
}

// TestMeasureTIFF measures a TIFF with tags of other types. The memory of a block is found, too.
func TestMeasureTIFF(t *testing.T) {
	t.Parallel()
	data := worstTIFF(t)
	want, fault := Measure(data)
	if fault != nil {
		t.Fatal(fault.Reason())
	}
	at := int(binary.LittleEndian.Uint32(data[4:]))
	for i := range int(binary.LittleEndian.Uint16(data[at:])) {
		entry := data[at+2+12*i:]
		switch binary.LittleEndian.Uint16(entry) {
		case tagCompression:
			entry[2] = 1 // type byte
		case tagRowsPerStrip:
			binary.LittleEndian.PutUint32(entry[4:], 0) // no value
			binary.LittleEndian.PutUint32(entry[8:], 1)
		}
	}
	if got, fault := Measure(data); fault != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, fault, want)
	}
}
