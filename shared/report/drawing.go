package report

import "fmt"

// drawingWidth is the width of every chart, in units of the chart. On a screen of 390 px, a chart is 358 px wide, and
// its text is still 10 px high.
const drawingWidth = 460

// fontSize is the font size of charts in the same units, as in chart.css.
const fontSize = 12

// A drawing is a chart: SVG marks in the order of drawing. Their classes are defined in chart.css.
type drawing struct {
	ID, Title, Description string
	Height                 int
	Rects                  []rect
	Lines                  []line
	Dots                   []dot
	Texts                  []text
}

// These are the marks of a drawing. Coordinates are decimal numbers, as in SVG. A tip is shown when the pointer is on
// the mark.
type (
	rect struct{ X, Y, W, H, Class, Tip string }
	line struct{ X1, Y1, X2, Y2, Class string }
	dot  struct{ X, Y, R, Class, Tip string }
	text struct{ X, Y, Class, Turn, Text string }
)

func at(v float64) string { return fmt.Sprintf("%.1f", v) }

func (d *drawing) rect(x, y, w, h float64, class, tip string) {
	d.Rects = append(d.Rects, rect{at(x), at(y), at(w), at(h), class, tip})
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	d.Lines = append(d.Lines, line{at(x1), at(y1), at(x2), at(y2), class})
}

func (d *drawing) dot(x, y float64, class, tip string) {
	d.Dots = append(d.Dots, dot{at(x), at(y), "4", class, tip})
}

func (d *drawing) text(x, y float64, class, content string) {
	d.Texts = append(d.Texts, text{X: at(x), Y: at(y), Class: class, Text: content})
}

// turned draws a text that rises to the right by an angle in degrees.
func (d *drawing) turned(x, y float64, degrees int, content string) {
	d.Texts = append(d.Texts, text{
		X: at(x), Y: at(y), Class: "start", Turn: fmt.Sprintf("rotate(-%d %.1f %.1f)", degrees, x, y), Text: content,
	})
}

// legend draws the names of the series in a row at the top.
func (d *drawing) legend(entries ...[2]string) {
	x := 4.0
	for _, e := range entries {
		d.rect(x, 4, 11, 11, e[0], "")
		d.text(x+16, 14, "start", e[1])
		x += 34 + 7*float64(len(e[1]))
	}
}

// empty draws a text instead of a chart.
func (d *drawing) empty(why string) {
	d.Height = 40
	d.text(4, 24, "start", why)
}
