package embedded

import (
	"image"
	"image/color"
	"slices"
)

// gridSide bounds the points that an image is looked at: gridSide x gridSide at most, evenly spread.
const gridSide = 128

const (
	flatStep  = 3   // luma steps below this are no structure; JPEG leaves 1-2 in plain areas
	inkStep   = 60  // luma steps from this on are strokes of writing or drawing, rare in photographs
	lightLuma = 224 // paper
	vividSpan = 64  // spread of the channels from which on a pixel has a colour of its own
)

// picture is what one image looks like: shares in [0, 1] over a grid of its points.
type picture struct {
	Flat     float64 // points equal to their right and lower neighbour: drawn, not photographed
	Ink      float64 // points with a hard step to a neighbour: strokes
	Light    float64 // near-white points: paper
	Vivid    float64 // points with a colour of their own
	Dominant float64 // points of the most frequent colour: a background
}

// The likenesses below are in [0, 1]. Their bounds lie between the means of photographs, scans,
// charts and drawings in public datasets.

// photo is high where no colour and no plain area prevails.
func (p *picture) photo() float64 {
	return (1 - ramp(p.Dominant, 0.25, 0.5)) * (1 - ramp(p.Flat, 0.8, 0.95))
}

// page is high where strokes are dense on a plain background.
func (p *picture) page() float64 { return (1 - p.photo()) * ramp(p.Ink, 0.03, 0.15) }

// drawing is high where sparse strokes without colour stand on a plain background.
func (p *picture) drawing() float64 {
	return (1 - p.photo()) * (1 - ramp(p.Vivid, 0, 0.04)) * (1 - ramp(p.Ink, 0.06, 0.15))
}

// chart is high where paper carries both colours and writing.
func (p *picture) chart() float64 {
	return (1 - p.photo()) * ramp(p.Light, 0.3, 0.7) * ramp(p.Vivid, 0.02, 0.1) * ramp(p.Ink, 0.005, 0.03)
}

// ramp rises from 0 at low to 1 at high.
func ramp(x, low, high float64) float64 { return min(1, max(0, (x-low)/(high-low))) }

// look measures an image. It compares neighbours at full resolution, since a reduced copy would
// lose the thin strokes that tell writing from scenery.
func look(img image.Image) picture {
	b := img.Bounds()
	rgb := pixels(img)
	var flat, ink, light, vivid int
	colours := make([]int, 1<<12)
	columns, rows := min(gridSide, b.Dx()), min(gridSide, b.Dy())
	for row := range rows {
		for column := range columns {
			x, y := b.Min.X+column*b.Dx()/columns, b.Min.Y+row*b.Dy()/rows
			r, g, bl := rgb(x, y)
			here := luma(r, g, bl)
			step := max(
				distance(here, luma(rgb(min(x+1, b.Max.X-1), y))),
				distance(here, luma(rgb(x, min(y+1, b.Max.Y-1)))))
			if step < flatStep {
				flat++
			}
			if step >= inkStep {
				ink++
			}
			if here >= lightLuma {
				light++
			}
			if max(r, g, bl)-min(r, g, bl) >= vividSpan {
				vivid++
			}
			colours[int(r>>4)<<8|int(g>>4)<<4|int(bl>>4)]++
		}
	}
	share := func(n int) float64 { return float64(n) / float64(max(columns*rows, 1)) }
	return picture{Flat: share(flat), Ink: share(ink), Light: share(light), Vivid: share(vivid), Dominant: share(slices.Max(colours))}
}

// pixels gives 8-bit access to an image without the interface call and allocation per pixel of
// image.Image.At for the types that the standard decoders return. Alpha is dropped, not composited,
// as in the reference's conversion to RGB.
func pixels(img image.Image) func(x, y int) (r, g, b uint8) {
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

// luma is the brightness of ITU-R BT.601 in 8-bit integers, which every machine computes alike.
func luma(r, g, b uint8) int { return (299*int(r) + 587*int(g) + 114*int(b)) / 1000 }

func distance(a, b int) int { return max(a-b, b-a) }
