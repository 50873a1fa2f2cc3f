package embedded

import (
	"image"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/images"
)

// measureImage computes the statistics of an image. It compares neighbours at full resolution, because a reduced copy
// would lose the thin strokes that distinguish writing from scenery. It counts in integers, so that every machine
// computes the same values.
func measureImage(img image.Image) imageStats {
	b := img.Bounds()
	g := grid{columns: min(gridSide, b.Dx()), rows: min(gridSide, b.Dy()), colours: make([]int32, 1<<12)}
	rgb, lumas := images.Pixels(img), images.Lumas(img)
	var xs, rights [gridSide]int
	for column := range g.columns {
		xs[column] = b.Min.X + column*b.Dx()/g.columns
		rights[column] = min(xs[column]+1, b.Max.X-1)
	}
	var here, right, below [gridSide]uint8
	for row := range g.rows {
		y := b.Min.Y + row*b.Dy()/g.rows
		lumas(y, xs[:g.columns], here[:])
		lumas(y, rights[:g.columns], right[:])
		lumas(min(y+1, b.Max.Y-1), xs[:g.columns], below[:])
		for column := range g.columns {
			r, gr, bl := rgb(xs[column], y)
			own := int(here[column])
			g.point(row, column, int(r), int(gr), int(bl), own,
				distance(own, int(right[column])), distance(own, int(below[column])))
		}
	}
	return g.stats(b.Dx(), b.Dy())
}

// A grid counts properties of points of an image.
type grid struct {
	columns, rows int

	flat, ink, light, vivid, dark, grey, texture, skin, green, blue int
	across, down                                                    int // edges to the right, and to the lower neighbour
	sum, squares                                                    int // sums of brightness and of its square
	rg, rgSquares, yb, ybSquares                                    int // the same for the opponent colours
	colours                                                         []int32
	border                                                          [4 * gridSide]int16
	borders                                                         int
	rowInk, columnInk, rowEdge, columnEdge                          [gridSide]int
	cells                                                           [64]bool
}

func (g *grid) point(row, column, r, gr, b, here, right, below int) {
	step := max(right, below)
	switch {
	case step < flatStep:
		g.flat++
	case step < softStep:
		g.texture++
	}
	if step >= inkStep {
		g.ink++
		g.rowInk[row]++
		g.columnInk[column]++
		g.cells[row*8/g.rows*8+column*8/g.columns] = true
	}
	if right >= edgeStep {
		g.across++
		g.columnEdge[column]++
	}
	if below >= edgeStep {
		g.down++
		g.rowEdge[row]++
	}
	if here >= lightLuma {
		g.light++
	}
	if here < darkLuma {
		g.dark++
	}
	span := max(r, gr, b) - min(r, gr, b)
	switch {
	case span >= vividSpan:
		g.vivid++
	case span < greySpan:
		g.grey++
	}
	if span >= greySpan {
		switch {
		case r > gr && gr >= b && r > 80:
			g.skin++
		case gr >= r && gr > b:
			g.green++
		case b >= gr && b > r:
			g.blue++
		}
	}
	g.sum += here
	g.squares += here * here
	rg, yb := r-gr, (r+gr)/2-b
	g.rg, g.rgSquares, g.yb, g.ybSquares = g.rg+rg, g.rgSquares+rg*rg, g.yb+yb, g.ybSquares+yb*yb
	colour := r>>4<<8 | gr>>4<<4 | b>>4
	g.colours[colour]++
	if row == 0 || column == 0 || row == g.rows-1 || column == g.columns-1 {
		g.border[g.borders] = int16(colour)
		g.borders++
	}
}

func (g *grid) stats(width, height int) imageStats {
	n := float64(max(g.columns*g.rows, 1))
	share := func(count int) float64 { return float64(count) / n }
	top, few, kinds := g.ranking()
	frame := 0
	for _, c := range g.border[:g.borders] {
		if int(c) == top {
			frame++
		}
	}
	cells := 0
	for _, c := range g.cells {
		if c {
			cells++
		}
	}
	mean, deviation := moments(g.sum, g.squares, n)
	rg, rgDeviation := moments(g.rg, g.rgSquares, n)
	yb, ybDeviation := moments(g.yb, g.ybSquares, n)
	colourful := math.Sqrt(float64(rgDeviation*rgDeviation)+float64(ybDeviation*ybDeviation)) +
		float64(0.3*math.Sqrt(float64(rg*rg)+float64(yb*yb)))
	return imageStats{
		Flat: share(g.flat), Ink: share(g.ink), Light: share(g.light), Vivid: share(g.vivid),
		Dominant: share(int(g.colours[top])),
		Dark:     share(g.dark), Grey: share(g.grey), Texture: share(g.texture), Mean: mean / 255,
		Contrast:  deviation / 127.5,
		Colourful: colourful / (colourful + 50), Few: share(few), Colours: min(1, magnitude(kinds)*8/12),
		Skin: share(g.skin), Green: share(g.green), Blue: share(g.blue),
		Lines: uneven(g.rowInk[:g.rows], g.ink), Bars: uneven(g.columnInk[:g.columns], g.ink),
		Ruled:  ruled(g.rowEdge[:g.rows], g.columns) + ruled(g.columnEdge[:g.columns], g.rows),
		Spread: float64(cells) / 64, Frame: float64(frame) / float64(max(g.borders, 1)),
		Across: float64(g.across+1) / float64(g.across+g.down+2),
		Wide:   float64(width) / float64(max(width+height, 1)), Large: min(1, magnitude(width*height)*8/24),
	}
}

// ranking returns the most frequent colour, the number of points in the eight most frequent colours, and the number of
// colours.
func (g *grid) ranking() (top, few, kinds int) {
	counts := make([]int32, 0, 256)
	for c, count := range g.colours {
		if count > g.colours[top] {
			top = c
		}
		if count > 0 {
			counts = append(counts, count)
		}
	}
	slices.Sort(counts)
	for _, count := range counts[max(0, len(counts)-8):] {
		few += int(count)
	}
	return top, few, len(counts)
}

// moments returns the mean and the standard deviation of n integers.
func moments(sum, squares int, n float64) (mean, deviation float64) {
	mean = float64(sum) / n
	return mean, math.Sqrt(max(0, float64(squares)/n-float64(mean*mean)))
}

// uneven returns the share of rows or columns whose ink is below half, or above twice, the mean.
func uneven(ink []int, total int) float64 {
	if total == 0 {
		return 0
	}
	count := 0
	for _, n := range ink {
		if 2*n*len(ink) < total || n*len(ink) > 2*total {
			count++
		}
	}
	return float64(count) / float64(len(ink))
}

// ruled returns the number of rows or columns with an edge over half their length or more, mapped to [0, 0.5).
func ruled(edge []int, length int) float64 {
	count := 0
	for _, n := range edge {
		if 2*n >= length {
			count++
		}
	}
	return float64(saturate(count) / 2)
}
