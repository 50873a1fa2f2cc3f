package similarity

import (
	"image"
	"image/color"
	"math"

	"github.com/harvest-ml/harvest/shared/images"
)

const (
	// gridSide is the number of cells on each side of a miniature.
	gridSide = 32
	// linesPerCell is the largest number of lines of a picture whose mean is the brightness of a cell. The colour of a
	// cell comes from one line.
	linesPerCell = 8
)

// A plane has one number for each cell of a miniature.
type plane [gridSide][gridSide]float64

// A miniature is a picture of gridSide x gridSide cells. luma is the brightness in levels of 0 to 255. blue and red are
// the differences of blue and of red from the brightness (Cb and Cr of JFIF), in levels around 128.
type miniature struct{ luma, blue, red plane }

// reduce returns the miniature of a picture. The value of a cell is the mean over its part of each sampled line.
func reduce(picture image.Image) *miniature {
	height := picture.Bounds().Dy()
	from := newLines(picture)
	m, sums := new(miniature), make([]uint32, picture.Bounds().Dx()+1)
	for y := range gridSide {
		total := 0.0
		lines := linesOf(y, height)
		for _, line := range lines {
			addLine(&m.luma[y], from.luma(line.at), sums, line.weight)
			total += line.weight
		}
		for x := range m.luma[y] {
			m.luma[y][x] /= total
		}
		blue, red := from.colour(lines[len(lines)/2].at)
		addLine(&m.blue[y], blue, sums, 1)
		addLine(&m.red[y], red, sums, 1)
	}
	return m
}

// addLine adds the mean of a line over each cell, times a weight, to the cells. sums is scratch memory.
func addLine(cells *[gridSide]float64, values []uint8, sums []uint32, weight float64) {
	sum := uint32(0)
	sums = sums[:len(values)+1]
	for i, v := range values {
		sum += uint32(v)
		sums[i+1] = sum
	}
	n := len(values)
	// upTo returns the sum of the values to the left of a place. The place may be inside a value.
	upTo := func(place float64) float64 {
		i := min(int(place), n-1)
		return float64(sums[i]) + float64((place-float64(i))*float64(values[i]))
	}
	before := 0.0
	for x := range cells {
		after := upTo(float64((x+1)*n) / gridSide)
		cells[x] += float64(weight * (after - before) * gridSide / float64(n))
		before = after
	}
}

// A weightedLine is a line of a picture, and its weight in the mean of a cell.
type weightedLine struct {
	at     int
	weight float64
}

// linesOf returns the lines that are averaged for cell y of a picture with height lines: all lines of the cell, or
// linesPerCell evenly spread lines.
func linesOf(y, height int) (list []weightedLine) {
	start, end := float64(y*height)/gridSide, float64((y+1)*height)/gridSide
	if end-start > linesPerCell {
		for i := range linesPerCell {
			at := start + (float64(i)+0.5)*(end-start)/linesPerCell
			list = append(list, weightedLine{int(at), 1})
		}
		return list
	}
	for at := int(start); at < height && float64(at) < end; at++ {
		list = append(list, weightedLine{at, math.Min(end, float64(at+1)) - math.Max(start, float64(at))})
	}
	return list
}

// A lines reads a picture line by line. A returned slice is valid until the next call.
type lines struct {
	luma   func(y int) []uint8
	colour func(y int) (blue, red []uint8) // one value for each pixel for which the picture stores a colour
}

func newLines(picture image.Image) lines {
	b := picture.Bounds()
	switch m := picture.(type) {
	case *image.YCbCr:
		return lines{
			func(y int) []uint8 { return m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] },
			func(y int) (blue, red []uint8) {
				from, to := m.COffset(b.Min.X, b.Min.Y+y), m.COffset(b.Max.X-1, b.Min.Y+y)+1
				return m.Cb[from:to], m.Cr[from:to]
			},
		}
	case *image.Gray:
		none := []uint8{128}
		return lines{
			func(y int) []uint8 { return m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] },
			func(int) ([]uint8, []uint8) { return none, none },
		}
	}
	luma, blue, red := make([]uint8, b.Dx()), make([]uint8, b.Dx()), make([]uint8, b.Dx())
	pixel := images.Pixels(picture)
	all := lines{colour: func(y int) ([]uint8, []uint8) {
		for x := range blue {
			_, blue[x], red[x] = color.RGBToYCbCr(pixel(b.Min.X+x, b.Min.Y+y))
		}
		return blue, red
	}}
	switch m := picture.(type) {
	case *image.Paletted:
		var lumas [256]uint8
		for i, c := range m.Palette {
			r, g, bl, _ := c.RGBA()
			lumas[i] = lumaOf(uint8(r>>8), uint8(g>>8), uint8(bl>>8))
		}
		all.luma = func(y int) []uint8 {
			for x, i := range m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:len(luma)] {
				luma[x] = lumas[i]
			}
			return luma
		}
	case *image.NRGBA:
		all.luma = func(y int) []uint8 { return lumaOfLine(luma, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]) }
	case *image.RGBA:
		all.luma = func(y int) []uint8 { return lumaOfLine(luma, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]) }
	default:
		all.luma = func(y int) []uint8 {
			for x := range luma {
				luma[x] = lumaOf(pixel(b.Min.X+x, b.Min.Y+y))
			}
			return luma
		}
	}
	return all
}

// lumaOfLine returns the brightness of pixels with four bytes each, in luma.
func lumaOfLine(luma, pixels []uint8) []uint8 {
	pixels = pixels[:4*len(luma)]
	for x := range luma {
		p := pixels[4*x : 4*x+3 : 4*x+3]
		luma[x] = lumaOf(p[0], p[1], p[2])
	}
	return luma
}

// lumaOf returns the brightness of a colour (ITU-R BT.601, in units of 1/65536).
func lumaOf(r, g, b uint8) uint8 {
	return uint8((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// means sets means to the means of side x side cells of the plane, row by row.
func (p *plane) means(side int, means []uint8) {
	of := gridSide / side
	for i := range means {
		sum := 0.0
		for y := range of {
			for _, v := range p[i/side*of+y][i%side*of : (i%side+1)*of] {
				sum += v
			}
		}
		means[i] = uint8(math.Min(math.Max(math.Round(sum/float64(of*of)), 0), 255))
	}
}

// turn turns a plane by an EXIF orientation. An orientation other than 2 to 8 changes nothing.
func (p *plane) turn(orientation int) {
	if orientation < 2 || orientation > 8 {
		return
	}
	stored := *p
	const last = gridSide - 1
	for y := range p {
		for x := range p[y] {
			from := [...][2]int{
				2: {y, last - x}, 3: {last - y, last - x}, 4: {last - y, x},
				5: {x, y}, 6: {last - x, y}, 7: {last - x, last - y}, 8: {x, last - y},
			}[orientation]
			p[y][x] = stored[from[0]][from[1]]
		}
	}
}
