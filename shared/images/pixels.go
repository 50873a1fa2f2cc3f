package images

import (
	"image"
	"image/color"
)

// Pixels gives 8-bit access to an image without the interface call and allocation per pixel of
// image.Image.At for the types that the standard decoders return. Alpha is dropped, not composited.
func Pixels(img image.Image) func(x, y int) (r, g, b uint8) {
	switch m := img.(type) {
	case *image.YCbCr:
		return func(x, y int) (uint8, uint8, uint8) {
			c := m.COffset(x, y)
			return color.YCbCrToRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
		}
	case *image.NRGBA:
		return func(x, y int) (uint8, uint8, uint8) {
			p := m.Pix[m.PixOffset(x, y):]
			return p[0], p[1], p[2]
		}
	case *image.RGBA:
		return func(x, y int) (uint8, uint8, uint8) {
			p := m.Pix[m.PixOffset(x, y):]
			return p[0], p[1], p[2]
		}
	case *image.Gray:
		return func(x, y int) (uint8, uint8, uint8) {
			v := m.Pix[m.PixOffset(x, y)]
			return v, v, v
		}
	case *image.Paletted:
		palette := make([]color.NRGBA, 256)
		for i, c := range m.Palette {
			palette[i] = nrgba(c)
		}
		return func(x, y int) (uint8, uint8, uint8) {
			c := palette[m.Pix[m.PixOffset(x, y)]]
			return c.R, c.G, c.B
		}
	default:
		return func(x, y int) (uint8, uint8, uint8) {
			c := nrgba(m.At(x, y))
			return c.R, c.G, c.B
		}
	}
}

func nrgba(c color.Color) color.NRGBA { return color.NRGBAModel.Convert(c).(color.NRGBA) }
