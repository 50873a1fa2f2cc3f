package images

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/sethvargo/go-envconfig"
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

// pngHeader returns the head of a PNG file of that size, without any pixels.
func pngHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0) // eight bits for each of red, green and blue
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
		if fault := Check(data, defaults(t)); fault != nil {
			t.Errorf("%s: Check: %v", name, fault)
		}
		if got, err := Extension(data); err != nil || got != strings.Replace(name, "jpeg", "jpg", 1) {
			t.Errorf("%s: Extension: %q, %v", name, got, err)
		}
		picture, fault := Decode(data)
		if fault != nil {
			t.Errorf("%s: Decode: %v", name, fault)
			continue
		}
		if got := picture.Bounds().Size(); got != want {
			t.Errorf("%s: decoded to %v, want %v", name, got, want)
		}
	}
}

func TestImageFaults(t *testing.T) {
	t.Parallel()
	valid, standard := encode(t, png.Encode), defaults(t)
	size, pixels := func(most int) Limits {
		limits := standard
		limits.MaxBytes = int64(most)
		return limits
	}, func(most int64) Limits {
		limits := standard
		limits.MaxPixels = most
		return limits
	}
	for name, tc := range map[string]struct {
		data   []byte
		limits Limits
		check  reason.Code // code of Check's fault; "" if there is no fault
		decode reason.Code // code of Decode's fault, if the image passes Check; "" if there is no fault
	}{
		"nothing":                  {nil, standard, Empty, ""},
		"text":                     {[]byte("<html>404</html>"), standard, FormatUnknown, ""},
		"three bytes":              {valid[:3], standard, Undecodable, ""},
		"three bytes of text":      {[]byte("BMW"), standard, FormatUnknown, ""},
		"header cut short":         {valid[:20], standard, Undecodable, ""},
		"pixels cut short":         {valid[:len(valid)-16], standard, "", Undecodable},
		"no width":                 {pngHeader(0, 5), standard, Undecodable, ""},
		"at the limit of bytes":    {valid, size(len(valid)), "", ""},
		"above the limit of bytes": {valid, size(len(valid) - 1), TooLarge, ""},
		"at the limit of pixels":   {valid, pixels(6), "", ""},
		"above it":                 {valid, pixels(5), TooLarge, ""},
		"at the default limit":     {pngHeader(10_000, 10_000), standard, "", Undecodable},
		"above the default limit":  {pngHeader(10_000, 10_001), standard, TooLarge, ""},
		"far above it":             {pngHeader(1<<31-1, 1<<29), standard, TooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := code(Check(tc.data, tc.limits)); got != tc.check {
				t.Errorf("Check: %q, want %q", got, tc.check)
			}
			if tc.check != "" {
				return
			}
			_, fault := Decode(tc.data)
			if got := code(fault); got != tc.decode {
				t.Errorf("Decode: %q, want %q", got, tc.decode)
			}
		})
	}
	want := "image too large: 3 x 2 pixels are more than the limit of 5; make the image smaller, or raise MAX_IMAGE_PIXELS"
	if got := Check(valid, pixels(5)).Reason(); got != want {
		t.Errorf("the fault in words is %q, want %q", got, want)
	}
	large := make([]byte, 64<<20+1)
	copy(large, valid)
	if got := code(Check(large, standard)); got != TooLarge {
		t.Errorf("an image of %d bytes: %q, want %q", len(large), got, TooLarge)
	}
	if got := code(Check(large[:64<<20], standard)); got != "" {
		t.Errorf("an image of 64 MiB: %q", got)
	}
}

// code returns the code of a fault; "" if there is no fault.
func code(fault *dataset.Fault) reason.Code {
	if fault == nil {
		return ""
	}
	return fault.Code
}

// defaults returns the limits of an empty environment.
func defaults(tb testing.TB) (l Limits) {
	tb.Helper()
	if err := envconfig.ProcessWith(tb.Context(), &envconfig.Config{
		Target: &l, Lookuper: envconfig.MapLookuper(nil),
	}); err != nil {
		tb.Fatal(err)
	}
	return l
}
