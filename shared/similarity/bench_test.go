package similarity_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/harvest-ml/harvest/shared/similarity"
)

func BenchmarkOfImage(b *testing.B) {
	size := image.Rect(0, 0, 768, 576)
	ycbcr, rgb := image.NewYCbCr(size, image.YCbCrSubsampleRatio420), image.NewNRGBA(size)
	paletted := image.NewPaletted(size, color.Palette{color.White, color.Black})
	for i := range ycbcr.Y {
		ycbcr.Y[i] = uint8(i * 7 >> 3)
	}
	for i := range rgb.Pix {
		rgb.Pix[i] = uint8(i * 7 >> 3)
	}
	for i := range paletted.Pix {
		paletted.Pix[i] = uint8(i>>4) & 1
	}
	for name, img := range map[string]image.Image{"ycbcr": ycbcr, "nrgba": rgb, "paletted": paletted} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				similarity.OfImage(img, 1)
			}
		})
	}
}

func BenchmarkTextOf(b *testing.B) {
	text := "What is the difference between the highest and the lowest value of exports in the years from 2010 to 2019, " +
		"as shown in the chart?\nAnswer the question using a single word or phrase."
	for b.Loop() {
		similarity.TextOf([]string{text})
		similarity.Template(text)
	}
}
