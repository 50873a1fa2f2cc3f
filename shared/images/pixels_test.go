package images_test

import (
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"testing"

	"github.com/harvest-ml/harvest/shared/images"
)

var (
	whole = image.Rect(0, 0, 17, 11)
	part  = image.Rect(3, 2, 14, 9)
)

// pictures returns a picture of each type that decoders return. Each is a part of a larger picture.
func pictures() map[string]image.Image {
	source := image.NewNRGBA(whole)
	for i := range source.Pix {
		if source.Pix[i] = uint8(i * 13); i%4 == 3 {
			source.Pix[i] = 255
		}
	}
	ycbcr := image.NewYCbCr(whole, image.YCbCrSubsampleRatio420)
	for i := range ycbcr.Y {
		ycbcr.Y[i] = uint8(i * 7)
	}
	for i := range ycbcr.Cb {
		ycbcr.Cb[i], ycbcr.Cr[i] = uint8(i*11), uint8(200-i*5)
	}
	pictures := map[string]image.Image{"NRGBA": source.SubImage(part), "YCbCr": ycbcr.SubImage(part)}
	for name, canvas := range map[string]interface {
		draw.Image
		SubImage(image.Rectangle) image.Image
	}{
		"RGBA": image.NewRGBA(whole), "Gray": image.NewGray(whole), "Paletted": image.NewPaletted(whole, palette.WebSafe),
		"RGBA64": image.NewRGBA64(whole), "CMYK": image.NewCMYK(whole),
	} {
		draw.Draw(canvas, whole, source, image.Point{}, draw.Src)
		pictures[name] = canvas.SubImage(part)
	}
	return pictures
}

// TestPixels checks each fast path against image.Image.At.
func TestPixels(t *testing.T) {
	t.Parallel()
	for name, img := range pictures() {
		rgb := images.Pixels(img)
		for y := part.Min.Y; y < part.Max.Y; y++ {
			for x := part.Min.X; x < part.Max.X; x++ {
				want := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
				r, g, b := rgb(x, y)
				if got := (color.NRGBA{r, g, b, want.A}); got != want {
					t.Fatalf("%s at (%d, %d): %v, want %v", name, x, y, got, want)
				}
			}
		}
	}
}

// TestLumas compares the brightness of pixels with the brightness of their colours; for a JPEG, with its stored values.
func TestLumas(t *testing.T) {
	t.Parallel()
	columns := []int{part.Min.X, part.Min.X + 4, part.Max.X - 1}
	for name, img := range pictures() {
		lumas, rgb := images.Lumas(img), images.Pixels(img)
		stored, isJPEG := img.(*image.YCbCr)
		for y := part.Min.Y; y < part.Max.Y; y++ {
			got := make([]uint8, len(columns))
			lumas(y, columns, got)
			for i, x := range columns {
				r, g, b := rgb(x, y)
				want := uint8((299*int(r) + 587*int(g) + 114*int(b)) / 1000)
				if isJPEG {
					want = stored.YCbCrAt(x, y).Y
				}
				if got[i] != want {
					t.Fatalf("%s at (%d, %d): %d, want %d", name, x, y, got[i], want)
				}
			}
		}
	}
}
