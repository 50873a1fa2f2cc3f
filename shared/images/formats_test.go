package images

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// webpOfOnePixel returns a still WebP of one pixel.
func webpOfOnePixel(tb testing.TB) []byte {
	tb.Helper()
	data, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// animate makes a WebP animation of two equal frames of one pixel, at a place on a canvas of 4 x 3.
func animate(tb testing.TB, x, y int) []byte {
	tb.Helper()
	chunk := func(name string, content ...byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(content))), content...)
	}
	frame := []byte{byte(x / 2), 0, 0, byte(y / 2), 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0}
	frame = chunk("ANMF", append(frame, webpOfOnePixel(tb)[riffHeader:]...)...)
	data := append([]byte("WEBP"), chunk("VP8X", vp8xAnimated, 0, 0, 0, 3, 0, 0, 2, 0, 0)...)
	data = append(data, chunk("ANIM", 0, 0, 0, 0, 0, 0)...)
	return chunk("RIFF", append(append(data, frame...), frame...)...)
}

func TestAnimatedWebP(t *testing.T) {
	t.Parallel()
	data := animate(t, 2, 2)
	if fault := Check(data, defaults(t)); fault != nil {
		t.Fatal(fault)
	}
	if extension, err := Extension(data); extension != "webp" || err != nil {
		t.Errorf("Extension: %s, %v", extension, err)
	}
	picture, fault := Decode(data)
	if fault != nil {
		t.Fatal(fault)
	}
	if got := picture.Bounds(); got != image.Rect(0, 0, 4, 3) {
		t.Errorf("decoded to %v, want the canvas", got)
	}
	for y := range 3 {
		for x := range 4 {
			if _, _, _, alpha := picture.At(x, y).RGBA(); (alpha != 0) != (x == 2 && y == 2) {
				t.Errorf("alpha %d at %d, %d", alpha, x, y)
			}
		}
	}
	for name, broken := range map[string][]byte{
		"outside the canvas": animate(t, 4, 0), "cut in the frame": data[:80], "cut before it": data[:40],
	} {
		_, fault := Decode(broken)
		if code(fault) != Undecodable || strings.Contains(fault.Detail, "cut short") != strings.HasPrefix(name, "cut") {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

func TestFrameBeyondCanvas(t *testing.T) {
	t.Parallel()
	data := encode(t, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) })
	data[6], data[8] = 1, 1 // the canvas; the frame has 3 x 2 pixels
	for _, comment := range []string{"", "\x21\xfe\x02hi\x00"} {
		at := bytes.IndexByte(data[gifScreen:], gifImage) + gifScreen
		data := append(append(bytes.Clone(data[:at]), comment...), data[at:]...)
		if fault := Check(data, Limits{
			MaxBytes: 1000, MaxPixels: 5,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		}); code(fault) != TooLarge {
			t.Errorf("Check with a limit of 5 pixels: %v", fault)
		}
		picture, fault := Decode(data)
		if fault != nil || picture.Bounds().Size() != image.Pt(3, 2) {
			t.Errorf("Decode: %v, %v", picture, fault)
		}
	}
}

// tiffWith returns a TIFF of one pixel with some of its tags replaced.
func tiffWith(tb testing.TB, tags map[uint16]uint16) []byte {
	tb.Helper()
	data := encode(tb, func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) })
	at := int(binary.LittleEndian.Uint32(data[4:]))
	for i := range int(binary.LittleEndian.Uint16(data[at:])) {
		entry := data[at+2+12*i:]
		if value, ok := tags[binary.LittleEndian.Uint16(entry)]; ok {
			binary.LittleEndian.PutUint16(entry[8:], value)
		}
		if value, ok := tags[tagSampleFormat]; ok && binary.LittleEndian.Uint16(entry) == 320 { // the colour map
			binary.LittleEndian.PutUint16(entry, tagSampleFormat)
			binary.LittleEndian.PutUint32(entry[4:], 1)
			binary.LittleEndian.PutUint16(entry[8:], value)
		}
	}
	return data
}

// bmpWith returns a BMP with some of its header's 16-bit fields replaced.
func bmpWith(tb testing.TB, fields map[int]uint16) []byte {
	tb.Helper()
	data := encode(tb, bmp.Encode)
	for at, value := range fields {
		binary.LittleEndian.PutUint16(data[at:], value)
	}
	return data
}

// jpegWith returns a JPEG with the marker of its frame and the depth of its samples replaced.
func jpegWith(tb testing.TB, marker, depth byte) []byte {
	tb.Helper()
	data := encode(tb, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	at := bytes.Index(data, []byte{0xff, 0xc0})
	data[at+1], data[at+4] = marker, depth
	return data
}

func TestUnreadVariants(t *testing.T) {
	t.Parallel()
	for want, data := range map[string][]byte{
		"TIFF compressed with JPEG":        tiffWith(t, map[uint16]uint16{tagCompression: 7}),
		"TIFF compressed with Zstandard":   tiffWith(t, map[uint16]uint16{tagCompression: 50000}),
		"TIFF with compression 99":         tiffWith(t, map[uint16]uint16{tagCompression: 99}),
		"TIFF in CMYK":                     tiffWith(t, map[uint16]uint16{tagPhotometric: 5}),
		"TIFF with floating-point samples": tiffWith(t, map[uint16]uint16{tagSampleFormat: 3}),
		"TIFF with 12 bits a sample":       tiffWith(t, map[uint16]uint16{tagBits: 12}),
		"BMP compressed with RLE":          bmpWith(t, map[int]uint16{30: 1}),
		"BMP with 16 bits a pixel":         bmpWith(t, map[int]uint16{28: 16, 30: 3}),
		"BMP with colour masks":            bmpWith(t, map[int]uint16{28: 32, 30: 3}),
		"BMP of OS/2 1.x":                  bmpWith(t, map[int]uint16{14: 12}),
		"BMP of OS/2 2.x":                  bmpWith(t, map[int]uint16{14: 64}),
		"JPEG with arithmetic coding":      jpegWith(t, 0xc9, 8),
		"lossless JPEG":                    jpegWith(t, 0xc3, 8),
		"JPEG with 12 bits a sample":       jpegWith(t, 0xc1, 12),
	} {
		fault := Check(data, defaults(t))
		if fault == nil {
			_, fault = Decode(data)
		}
		if code(fault) != Undecodable || fault.Detail != want+" is not supported; store the image as PNG or JPEG" {
			t.Errorf("%s: %v", want, fault)
		}
	}
}

// TestCutShort checks that only truncated images are reported as incomplete.
func TestCutShort(t *testing.T) {
	t.Parallel()
	damaged := encode(t, png.Encode)
	damaged[len(damaged)-14]++ // the checksum of its pixels
	for name, data := range map[string][]byte{
		"png":  encode(t, png.Encode),
		"jpeg": encode(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }),
		"gif":  encode(t, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }),
		"bmp":  encode(t, bmp.Encode),
		"tiff": encode(t, func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }),
		"webp": webpOfOnePixel(t), "animation": animate(t, 0, 0)[:90],
	} {
		fault := Check(data[:len(data)*2/3], defaults(t))
		if fault == nil {
			_, fault = Decode(data[:len(data)*2/3])
		}
		if code(fault) != Undecodable || !strings.Contains(fault.Detail, "the file may be cut short") {
			t.Errorf("%s: %v", name, fault)
		}
	}
	if _, fault := Decode(damaged); code(fault) != Undecodable || strings.Contains(fault.Detail, "cut short") {
		t.Errorf("a wrong checksum: %v", fault)
	}
}

func TestUnknownFormats(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"\x00\x00\x00\x20ftypavif\x00":                 "an AVIF picture",
		"\x00\x00\x00\x20ftypheic\x00":                 "a HEIC picture",
		"\x00\x00\x00\x20ftypmif1\x00":                 "a HEIC picture",
		"\x00\x00\x00\x20ftypisom\x00":                 "an MP4 or QuickTime video",
		"\xff\x0a\x00":                                 "a JPEG XL picture",
		"\x00\x00\x00\x0cJXL \r\n\x87\n":               "a JPEG XL picture",
		"\x00\x00\x00\x0cjP  \r\n\x87\n":               "a JPEG 2000 picture",
		"\xff\x4f\xff\x51\x00":                         "a JPEG 2000 picture",
		"<svg xmlns='x'/>":                             "an SVG drawing",
		"<?xml version='1.0'?>\n<!-- x --><svg/>":      "an SVG drawing",
		"<?xml version='1.0'?><Error/>":                "an XML document",
		"%PDF-1.7":                                     "a PDF document",
		"8BPS\x00\x01":                                 "a Photoshop picture (PSD)",
		"\x00\x00\x01\x00\x01\x00":                     "a Windows icon (ICO)",
		"\ufeff<!DOCTYPE html>":                        "an HTML page",
		"\n<html>404</html>":                           "an HTML page",
		"version https://git-lfs.github.com/spec/v1\n": "a Git LFS pointer",
		`{"error": 404}`:                               "JSON text",
		"404: Not Found":                               "text",
		"\x00\x00\x00\x00\x00":                         "zero bytes only",
		"II+\x00\x08\x00\x00\x00":                      "a BigTIFF picture",
		"P6 1 1 255 abc":                               "a Netpbm picture (PBM, PGM or PPM)",
		"P6-404: Not Found":                            "text",
		"RIFF\x00\x00\x00\x00WAVEfmt ":                 "a WAV file",
		"\x01\x02\x03\x04\x05":                         "",
	} {
		fault := Check([]byte(data), defaults(t))
		if code(fault) != FormatUnknown ||
			!strings.Contains(fault.Detail, "not a JPEG, PNG, GIF, WebP, BMP or TIFF image; ") ||
			!strings.HasPrefix(fault.Detail, strings.TrimSpace("the file is "+want)) {
			t.Errorf("%q: %v, want %s", data, fault, want)
		}
	}
	pointer := Check([]byte("version https://git-lfs.github.com/spec/v1"), defaults(t)).Reason()
	const want = "image format unknown: the file is a Git LFS pointer, not a JPEG, PNG, GIF, WebP, BMP or TIFF image; " +
		"download the picture itself: git lfs pull"
	if pointer != want {
		t.Errorf("%s, want %s", pointer, want)
	}
}

func TestOnWhite(t *testing.T) {
	t.Parallel()
	ink := image.NewNRGBA(image.Rect(1, 1, 4, 4))
	ink.Set(1, 1, color.Black)
	ink.Set(2, 1, color.NRGBA{A: 128})
	flat := OnWhite(ink)
	for at, want := range map[image.Point]uint32{{X: 1, Y: 1}: 0, {X: 2, Y: 1}: 127, {X: 3, Y: 3}: 255} {
		if r, _, _, a := flat.At(at.X, at.Y).RGBA(); r>>8 != want || a != 0xffff {
			t.Errorf("%v is %d, alpha %d; want %d", at, r>>8, a, want)
		}
	}
	if flat.Bounds() != ink.Bounds() || OnWhite(flat) != flat {
		t.Errorf("bounds %v; an opaque picture is returned as it is: %v", flat.Bounds(), OnWhite(flat) == flat)
	}
}

// FuzzDecode checks that no data makes the functions that read images panic or hang.
func FuzzDecode(f *testing.F) {
	for _, data := range [][]byte{
		encode(f, png.Encode), encode(f, bmp.Encode), webpOfOnePixel(f), animate(f, 0, 0), animate(f, 2, 2),
		encode(f, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }),
		encode(f, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }),
		tiffWith(f, nil), tiffWith(f, map[uint16]uint16{tagCompression: 7}), bmpWith(f, map[int]uint16{30: 1}),
		jpegWith(f, 0xc9, 8), []byte("<svg/>"), []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"),
	} {
		f.Add(data)
	}
	limits := Limits{
		MaxBytes: 1 << 16, MaxPixels: 1 << 14,
		MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if fault := Check(data, limits); fault != nil {
			if fault.Code == "" || !strings.Contains(fault.Detail, "; ") {
				t.Errorf("no fix in %v", fault)
			}
			return
		}
		picture, fault := Decode(data)
		if (picture == nil) == (fault == nil) {
			t.Fatalf("%v and %v", picture, fault)
		}
		if fault != nil && !strings.Contains(fault.Detail, "; ") {
			t.Errorf("no fix in %v", fault)
		}
		if fault == nil {
			size := OnWhite(picture).Bounds().Size()
			if int64(size.X)*int64(size.Y) > limits.MaxPixels {
				t.Errorf("an image of %v pixels was decoded", size)
			}
		}
	})
}
