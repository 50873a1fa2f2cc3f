package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// A pt is a point in pixels, the origin at the image's top left.
type pt struct{ x, y float64 }

// polar is the point at distance r from p in a direction counted in degrees clockwise from three o'clock.
func (p pt) polar(r, degrees float64) pt {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return pt{p.x + r*cos, p.y + r*sin}
}

func (p pt) plus(dx, dy float64) pt { return pt{p.x + dx, p.y + dy} }

func (p pt) angle(q pt) float64 { return math.Atan2(q.y-p.y, q.x-p.x) * 180 / math.Pi }

// A canvas is an image with anti-aliased shapes and text on it.
type canvas struct {
	*image.RGBA
	faces *faces
}

func (s *shelf) canvas(w, h int, background color.Color) *canvas {
	c := &canvas{RGBA: image.NewRGBA(image.Rect(0, 0, w, h)), faces: s.faces}
	draw.Draw(c, c.Bounds(), image.NewUniform(background), image.Point{}, draw.Src)
	return c
}

func (c *canvas) width() float64  { return float64(c.Bounds().Dx()) }
func (c *canvas) height() float64 { return float64(c.Bounds().Dy()) }

// fill paints a polygon. Its corners are rounded to 1/64 pixel, so that a processor with fused
// multiply-add, which may compute a corner differently in the last bit, draws the same pixels.
func (c *canvas) fill(ink color.Color, corners ...pt) {
	box := image.Rectangle{}
	for _, p := range corners {
		at := image.Rect(int(math.Floor(p.x)), int(math.Floor(p.y)), int(math.Ceil(p.x))+1, int(math.Ceil(p.y))+1)
		box = box.Union(at)
	}
	box = box.Intersect(c.Bounds())
	if box.Empty() {
		return
	}
	grid := func(v float64, origin int) float32 { return float32(math.Round(v*64)/64 - float64(origin)) }
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range corners {
		x, y := grid(p.x, box.Min.X), grid(p.y, box.Min.Y)
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	z.Draw(c, box, image.NewUniform(ink), image.Point{})
}

func (c *canvas) rect(ink color.Color, x, y, w, h float64) {
	c.fill(ink, pt{x, y}, pt{x + w, y}, pt{x + w, y + h}, pt{x, y + h})
}

// frame outlines a rectangle.
func (c *canvas) frame(ink color.Color, width, x, y, w, h float64) {
	c.line(ink, width, pt{x, y}, pt{x + w, y}, pt{x + w, y + h}, pt{x, y + h}, pt{x, y})
}

// line draws a polyline with round joints and ends.
func (c *canvas) line(ink color.Color, width float64, points ...pt) {
	for i, b := range points[1:] {
		a := points[i]
		side := a.angle(b) + 90
		c.fill(ink, a.polar(width/2, side), b.polar(width/2, side), b.polar(-width/2, side), a.polar(-width/2, side))
		if width > 2 {
			c.disc(ink, a, width/2)
			c.disc(ink, b, width/2)
		}
	}
}

// arrow draws a straight line from a to b with a head at b.
func (c *canvas) arrow(ink color.Color, width float64, a, b pt) {
	head := 4*width + 3
	angle := a.angle(b)
	c.line(ink, width, a, b.polar(-head/2, angle))
	c.fill(ink, b, b.polar(-head, angle+24), b.polar(-head, angle-24))
}

// arc is the outline of a part of an ellipse, in degrees clockwise from three o'clock.
func arc(centre pt, rx, ry, from, to float64) []pt {
	steps := int(math.Max(6, math.Abs(to-from)/6))
	points := make([]pt, 0, steps+1)
	for i := range steps + 1 {
		sin, cos := math.Sincos((from + (to-from)*float64(i)/float64(steps)) * math.Pi / 180)
		points = append(points, pt{centre.x + rx*cos, centre.y + ry*sin})
	}
	return points
}

func (c *canvas) disc(ink color.Color, centre pt, r float64) { c.ellipse(ink, centre, r, r) }

func (c *canvas) ellipse(ink color.Color, centre pt, rx, ry float64) {
	c.fill(ink, arc(centre, rx, ry, 0, 360)...)
}

func (c *canvas) ring(ink color.Color, width float64, centre pt, r float64) {
	c.line(ink, width, arc(centre, r, r, 0, 360)...)
}

func (c *canvas) sector(ink color.Color, centre pt, r, from, to float64) {
	c.fill(ink, append(arc(centre, r, r, from, to), centre)...)
}

// polygon is a regular polygon, or a star where inner is below 1, its first tip pointing up.
func polygon(centre pt, r float64, tips int, inner float64) []pt {
	var points []pt
	for i := range tips {
		at := -90 + 360*float64(i)/float64(tips)
		points = append(points, centre.polar(r, at))
		if inner < 1 {
			points = append(points, centre.polar(r*inner, at+180/float64(tips)))
		}
	}
	return points
}

// An align says which part of a text stands at the given point.
type align int

const (
	left align = iota
	centre
	right
)

// text writes one line with its baseline at y.
func (c *canvas) text(kind typeface, size float64, ink color.Color, how align, x, y float64, s string) {
	face := c.faces.face(kind, size)
	width := font.MeasureString(face, s)
	switch how {
	case centre:
		x -= float64(width) / 128
	case right:
		x -= float64(width) / 64
	}
	d := font.Drawer{Dst: c, Src: image.NewUniform(ink), Face: face,
		Dot: fixed.Point26_6{X: fixed.Int26_6(math.Round(x * 64)), Y: fixed.Int26_6(math.Round(y * 64))}}
	d.DrawString(s)
}

// paragraph writes lines of at most the given width and returns the baseline after the last.
func (c *canvas) paragraph(kind typeface, size float64, ink color.Color, x, y, width float64, s string) float64 {
	for _, line := range c.faces.wrap(kind, size, width, s) {
		c.text(kind, size, ink, left, x, y, line)
		y += size * 1.4
	}
	return y
}

// png encodes the image without loss.
func (c *canvas) png() ([]byte, error) {
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.DefaultCompression}
	err := encoder.Encode(&b, c.RGBA)
	return b.Bytes(), err
}

// jpeg encodes the image as a camera would, with a grain that a drawing lacks.
func (c *canvas) jpeg(s *shelf) ([]byte, error) {
	for i := 0; i < len(c.Pix); i += 4 {
		grain := s.rng.IntN(7) - 3
		for k := range 3 {
			c.Pix[i+k] = uint8(min(max(int(c.Pix[i+k])+grain, 0), 255))
		}
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, c.RGBA, &jpeg.Options{Quality: 78})
	return b.Bytes(), err
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

// A paint is a colour with the name that answers call it by.
type paint struct {
	name string
	ink  color.RGBA
}

// paints are told apart easily, also by name.
func paints() []paint {
	return []paint{
		{"red", rgb(0xd23b30)}, {"blue", rgb(0x2f63c9)}, {"green", rgb(0x2f9a4a)}, {"yellow", rgb(0xf2c521)},
		{"purple", rgb(0x8546a8)}, {"orange", rgb(0xf0872a)}, {"brown", rgb(0x7d5233)}, {"grey", rgb(0x8b9096)},
	}
}

// The inks that most drawings share.
var (
	black = rgb(0x1d1f24)
	white = rgb(0xffffff)
	paper = rgb(0xfbf8ef)
	faint = rgb(0xc9ccd1)
	slate = rgb(0x5a6270)
)
