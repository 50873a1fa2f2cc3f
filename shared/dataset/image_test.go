package dataset

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// encode returns a picture of 3 x 2 pixels as encoder writes it.
func encode(tb testing.TB, encoder func(io.Writer, image.Image) error) []byte {
	tb.Helper()
	var out bytes.Buffer
	picture := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.Black, color.White})
	if err := encoder(&out, picture); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// pngHeader is the head of a PNG file of that size, without any pixels.
func pngHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0) // eight bits of each of red, green and blue
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(chunk))
}

func TestImageFormats(t *testing.T) {
	t.Parallel()
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"png":  encode(t, png.Encode),
		"jpeg": encode(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }),
		"gif":  encode(t, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }),
		"bmp":  encode(t, bmp.Encode),
		"tiff": encode(t, func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }),
		"webp": webp,
	} {
		want := image.Pt(3, 2)
		if name == "webp" {
			want = image.Pt(1, 1)
		}
		if err := CheckImage(data, ImageLimits{}); err != nil {
			t.Errorf("%s: CheckImage: %v", name, err)
		}
		picture, err := DecodeImage(data)
		if err != nil {
			t.Errorf("%s: DecodeImage: %v", name, err)
			continue
		}
		if got := picture.Bounds().Size(); got != want {
			t.Errorf("%s: decoded to %v, want %v", name, got, want)
		}
	}
}

func TestImageFaults(t *testing.T) {
	t.Parallel()
	sound := encode(t, png.Encode)
	for name, tc := range map[string]struct {
		data   []byte
		limits ImageLimits
		check  string // kind of CheckImage's error, "" for none
		decode string // the same of DecodeImage, where CheckImage lets the image pass
	}{
		"nothing":                  {nil, ImageLimits{}, ImageEmpty, ""},
		"text":                     {[]byte("<html>404</html>"), ImageLimits{}, ImageFormatUnknown, ""},
		"header cut short":         {sound[:20], ImageLimits{}, ImageUndecodable, ""},
		"pixels cut short":         {sound[:len(sound)-16], ImageLimits{}, "", ImageUndecodable},
		"no width":                 {pngHeader(0, 5), ImageLimits{}, ImageUndecodable, ""},
		"at the limit of bytes":    {sound, ImageLimits{MaxBytes: int64(len(sound))}, "", ""},
		"above the limit of bytes": {sound, ImageLimits{MaxBytes: int64(len(sound)) - 1}, ImageTooLarge, ""},
		"at the limit of pixels":   {sound, ImageLimits{MaxPixels: 6}, "", ""},
		"above it":                 {sound, ImageLimits{MaxPixels: 5}, ImageTooLarge, ""},
		"at the default limit":     {pngHeader(10_000, 10_000), ImageLimits{}, "", ImageUndecodable},
		"above the default limit":  {pngHeader(10_000, 10_001), ImageLimits{}, ImageTooLarge, ""},
		"far above it":             {pngHeader(1<<31-1, 1<<29), ImageLimits{}, ImageTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := imageKind(t, CheckImage(tc.data, tc.limits)); got != tc.check {
				t.Errorf("CheckImage: %q, want %q", got, tc.check)
			}
			if tc.check != "" {
				return
			}
			_, err := DecodeImage(tc.data)
			if got := imageKind(t, err); got != tc.decode {
				t.Errorf("DecodeImage: %q, want %q", got, tc.decode)
			}
		})
	}
	want := "image too large: 3 x 2 pixels, more than the 5 allowed; store it smaller"
	if got := CheckImage(sound, ImageLimits{MaxPixels: 5}).Error(); got != want {
		t.Errorf("the fault in words is %q, want %q", got, want)
	}
	large := make([]byte, 64<<20+1)
	copy(large, sound)
	if got := imageKind(t, CheckImage(large, ImageLimits{})); got != ImageTooLarge {
		t.Errorf("an image of %d bytes: %q, want %q", len(large), got, ImageTooLarge)
	}
	if got := imageKind(t, CheckImage(large[:64<<20], ImageLimits{})); got != "" {
		t.Errorf("an image of 64 MiB: %q", got)
	}
}

// imageKind is the kind of an image's fault, "" for none.
func imageKind(t *testing.T, err error) string {
	t.Helper()
	var fault *ImageError
	if err != nil && !errors.As(err, &fault) {
		t.Fatalf("%v is no ImageError", err)
	}
	if err == nil {
		return ""
	}
	return fault.Kind
}
