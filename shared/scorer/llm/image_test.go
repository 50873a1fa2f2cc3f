package llm

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"golang.org/x/image/bmp"
)

// encoded returns an image of one colour.
func encoded(t *testing.T, how func(*bytes.Buffer, image.Image) error, width, height int) []byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, width, height), []color.Color{color.RGBA{200, 30, 30, 255}, color.RGBA{}})
	var b bytes.Buffer
	if err := how(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, i image.Image) error { return png.Encode(b, i) }

func TestPrepare(t *testing.T) {
	t.Parallel()
	encode := func(how func(*bytes.Buffer, image.Image) error, width, height int) []byte {
		return encoded(t, how, width, height)
	}
	asJPEG := func(b *bytes.Buffer, i image.Image) error { return jpeg.Encode(b, i, nil) }
	asGIF := func(b *bytes.Buffer, i image.Image) error { return gif.Encode(b, i, nil) }
	asBMP := func(b *bytes.Buffer, i image.Image) error { return bmp.Encode(b, i) }
	tests := map[string]struct {
		data          []byte
		kept          bool
		width, height int
	}{
		"png":                      {encode(asPNG, 100, 50), true, 100, 50},
		"jpeg":                     {encode(asJPEG, 50, 100), true, 50, 100},
		"gif":                      {encode(asGIF, 30, 20), false, 30, 20},
		"bmp":                      {encode(asBMP, 30, 20), false, 30, 20},
		"large png":                {encode(asPNG, 400, 100), false, 100, 25},
		"large jpeg":               {encode(asJPEG, 101, 202), false, 50, 100},
		"thin":                     {encode(asPNG, 1000, 1), false, 100, 1},
		"smallest":                 {encode(asPNG, 1, 1), true, 1, 1},
		"exactly the allowed size": {encode(asPNG, 100, 100), true, 100, 100},
	}
	for name, tt := range tests {
		p, fault := prepared(t, tt.data, 100)
		if fault != nil {
			t.Errorf("%s: %v", name, fault)
			continue
		}
		got, format, err := image.Decode(bytes.NewReader(p.data))
		if err != nil || p.mime != "image/"+format || bytes.Equal(p.data, tt.data) != tt.kept {
			t.Errorf("%s: error %v, %s as %s, unchanged: %v", name, err, format, p.mime, bytes.Equal(p.data, tt.data))
			continue
		}
		if size := got.Bounds().Size(); size != (image.Point{tt.width, tt.height}) {
			t.Errorf("%s: %v", name, size)
		}
		if r, g, _, _ := got.At(0, 0).RGBA(); r>>8 < 180 || g>>8 > 60 {
			t.Errorf("%s: the colour of the new image is %d, %d", name, r>>8, g>>8)
		}
	}
}

// A transparent image gets a white background, also if it is reduced.
func TestPrepareTransparent(t *testing.T) {
	t.Parallel()
	for _, side := range []int{20, 10} {
		ink := image.NewNRGBA(image.Rect(0, 0, 20, 20)) // black, transparent
		for i := range 10 {
			ink.SetNRGBA(i, 0, color.NRGBA{A: 255})
		}
		p, fault := prepared(t, encoded(t, func(b *bytes.Buffer, _ image.Image) error { return asPNG(b, ink) }, 1, 1), side)
		if fault != nil {
			t.Fatal(fault)
		}
		got, _, err := image.Decode(bytes.NewReader(p.data))
		if err != nil {
			t.Fatal(err)
		}
		if r, _, _, a := got.At(side-1, side-1).RGBA(); r>>8 < 250 || a != 0xffff {
			t.Errorf("side %d: the transparent background is %d, alpha %d; want white", side, r>>8, a)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"cut": encoded(t, asPNG, 400, 100)[:80], "none": {}, "text": []byte("no image"),
	} {
		if _, fault := prepared(t, data, 100); fault == nil {
			t.Errorf("%s: no fault", name)
		} else if fault.Code != images.Undecodable && fault.Code != images.FormatUnknown {
			t.Errorf("%s: the fault is %s, want a fault of decoding an image", name, fault.Reason())
		}
	}
}

// prepared returns the result of prepare.
func prepared(t *testing.T, data []byte, side int) (encodedImage, *dataset.Fault) {
	t.Helper()
	ready, fault, err := prepare(t.Context(), data, side, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	return ready, fault
}
