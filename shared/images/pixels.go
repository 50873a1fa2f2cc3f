package images

import (
	"image"
	"image/color"
)

// Pixels returns a function that returns the colour of a pixel with 8 bits per channel. For the types that the standard
// decoders return, it needs no allocation and interface call per pixel, unlike image.Image.At. It ignores alpha.
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

// Lumas returns a function that writes the brightness (ITU-R BT.601, 0 to 255) of the pixels in some columns of row y
// into values. For a JPEG, it is the stored brightness. For other images, it is computed in integers, so it is equal on
// every machine. Alpha is ignored.
func Lumas(img image.Image) func(y int, columns []int, values []uint8) {
	left := img.Bounds().Min.X
	plane := func(row []uint8, columns []int, values []uint8) {
		for i, x := range columns {
			values[i] = row[x-left]
		}
	}
	quads := func(row []uint8, columns []int, values []uint8) {
		for i, x := range columns {
			p := row[4*(x-left):][:3]
			values[i] = luma(p[0], p[1], p[2])
		}
	}
	switch m := img.(type) {
	case *image.YCbCr:
		return func(y int, columns []int, values []uint8) { plane(m.Y[m.YOffset(left, y):], columns, values) }
	case *image.Gray:
		return func(y int, columns []int, values []uint8) { plane(m.Pix[m.PixOffset(left, y):], columns, values) }
	case *image.NRGBA:
		return func(y int, columns []int, values []uint8) { quads(m.Pix[m.PixOffset(left, y):], columns, values) }
	case *image.RGBA:
		return func(y int, columns []int, values []uint8) { quads(m.Pix[m.PixOffset(left, y):], columns, values) }
	}
	pixel := Pixels(img)
	return func(y int, columns []int, values []uint8) {
		for i, x := range columns {
			values[i] = luma(pixel(x, y))
		}
	}
}

func luma(r, g, b uint8) uint8 { return uint8((299*int(r) + 587*int(g) + 114*int(b)) / 1000) }
