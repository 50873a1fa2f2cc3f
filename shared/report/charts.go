package report

import (
	"fmt"
	"math"

	webpage "github.com/harvest-ml/harvest/shared/page"
)

const (
	labelWidth = 208 // width of the names at the left
	rowHeight  = 22
	top        = 26   // height of the legend
	labelSize  = 16.6 // largest textSize of a name at the left
	headSize   = 9.8  // largest textSize of a name above a column
)

// A row has values and a name.
type row struct {
	name   string
	values []float64 // NaN for a missing value
	tips   []string  // the tip of each value; used only by some charts
}

// A series is the class and the name of the values with one index in all rows.
type series struct{ class, name string }

func entries(all []series) (legend [][2]string) {
	for _, s := range all {
		legend = append(legend, [2]string{s.class, s.name})
	}
	return legend
}

// scale returns the end of an axis for values up to v, which is a round number, and the number of steps of the axis.
func scale(v float64) (most float64, steps int) {
	if v <= 0 || math.IsNaN(v) {
		return 1, 2
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []struct {
		times float64
		steps int
	}{{1, 2}, {1.5, 3}, {2, 4}, {3, 3}, {4, 4}, {5, 5}, {6, 3}, {8, 4}, {10, 5}} {
		if v <= m.times*unit*(1+1e-9) {
			return m.times * unit, m.steps
		}
	}
	return 10 * unit, 5
}

// largest returns the largest value of the rows; 0 if no value is above 0. It ignores NaN.
func largest(rows []row) float64 {
	most := 0.0
	for _, r := range rows {
		for _, v := range r.values {
			if v > most {
				most = v
			}
		}
	}
	return most
}

// rows draws the names of rows at the left and, below the rows, an axis from 0 to most. It returns a function from
// values to x coordinates.
func (d *drawing) rows(rows []row, most float64, steps int, format func(float64) string) func(float64) float64 {
	bottom := float64(top + rowHeight*len(rows))
	d.Height = int(bottom) + 24
	x := func(v float64) float64 { return labelWidth + (drawingWidth-labelWidth-22)*v/most }
	for i := range steps + 1 {
		v := most * float64(i) / float64(steps)
		d.line(x(v), top-2, x(v), bottom, "grid")
		d.text(x(v), bottom+16, "middle", format(v))
	}
	for i, r := range rows {
		d.text(labelWidth-8, float64(top+rowHeight*i)+15, "end", label(r.name, labelSize))
	}
	return x
}

// dots draws a dot for each value of each row. All rows share one axis.
func dots(d *drawing, rows []row, all []series, format func(float64) string) {
	d.legend(entries(all)...)
	most, steps := scale(largest(rows))
	x := d.rows(rows, most, steps, format)
	for i, r := range rows {
		y := float64(top+rowHeight*i) + 11
		d.line(labelWidth, y, drawingWidth-22, y, "grid")
		for j, v := range r.values {
			if !math.IsNaN(v) {
				d.dot(x(v), y, all[j].class, fmt.Sprintf("%s, %s: %s", webpage.Name(r.name), all[j].name, format(v)))
			}
		}
	}
}

// bars draws a horizontal bar for each value of each row.
func bars(d *drawing, rows []row, all []series, format func(float64) string) {
	d.legend(entries(all)...)
	most, steps := scale(largest(rows))
	x := d.rows(rows, most, steps, format)
	height := float64(rowHeight-6) / float64(len(all))
	for i, r := range rows {
		for j, v := range r.values {
			y := float64(top+rowHeight*i) + 3 + height*float64(j)
			d.rect(labelWidth, y, max(x(v)-labelWidth, 0.5), height-0.5, all[j].class,
				fmt.Sprintf("%s, %s: %s", webpage.Name(r.name), all[j].name, format(v)))
		}
	}
}

// columns draws one group of vertical bars for each row. The axis is 0 to 1 if the bars are stacked, else 0 to the
// largest value.
func columns(d *drawing, rows []row, all []series, stacked bool, format func(float64) string) {
	d.legend(entries(all)...)
	most, steps := 1.0, 4
	if !stacked {
		most, steps = scale(largest(rows))
	}
	const left, height = 46, 150
	bottom := float64(top + 8 + height)
	short := widest(names(rows)) <= 2.3
	d.Height = int(bottom) + 62
	if short {
		d.Height = int(bottom) + 24
	}
	for i := range steps + 1 {
		v := most * float64(i) / float64(steps)
		y := bottom - height*v/most
		d.line(left, y, drawingWidth, y, "grid")
		d.text(left-6, y+4, "end", format(v))
	}
	step := float64(drawingWidth-left) / float64(max(len(rows), 1))
	for i, r := range rows {
		x, y := left+step*float64(i)+2, bottom
		width := step - 4
		if !stacked {
			width /= float64(len(all))
		}
		for j, v := range r.values {
			if !stacked {
				x, y = left+step*float64(i)+2+width*float64(j), bottom
			}
			h := height * v / most
			y -= h
			if v > 0 {
				d.rect(x, y, width, max(h, 0.3), all[j].class, r.name+", "+all[j].name+": "+format(v))
			}
		}
		if every := (len(rows) + 9) / 10; i%every == 0 {
			if short {
				d.text(left+step*float64(i)+step/2, bottom+16, "middle", r.name)
				continue
			}
			d.turned(left+step*float64(i)+step/2-20, bottom+54, 50, r.name)
		}
	}
}

func names(rows []row) (all []string) {
	for _, r := range rows {
		all = append(all, r.name)
	}
	return all
}

// widest returns the largest width of the names.
func widest(names []string) (most float64) {
	for _, n := range names {
		most = max(most, textSize(webpage.Name(n)))
	}
	return most
}

// heat draws a table of values in [0, most] as coloured cells with numbers. A cell with NaN has no number.
func heat(d *drawing, rows []row, names []string, most float64, format func(float64) string) {
	const cell = 20
	head := 14 + int(math.Ceil(fontSize*min(widest(names), headSize)))
	d.Height = head + cell*len(rows) + 8
	width := float64(drawingWidth-labelWidth) / float64(max(len(names), 1))
	for j, n := range names {
		d.turned(labelWidth+width*float64(j)+width/2+4, float64(head)-5, 90, label(n, headSize))
	}
	for i, r := range rows {
		y := float64(head + cell*i)
		d.text(labelWidth-8, y+14, "end", label(r.name, labelSize))
		for j, v := range r.values {
			x := labelWidth + width*float64(j)
			if math.IsNaN(v) {
				d.rect(x, y, width-1, cell-1, "none", r.tips[j])
				continue
			}
			class := fmt.Sprintf("h%d", min(int(6*max(v, 0)/most), 5))
			d.rect(x, y, width-1, cell-1, class, r.tips[j])
			d.text(x+width/2, y+13, "value "+class+"t", format(v))
		}
	}
}

// A panel is one curve. Each panel has its own axis.
type panel struct {
	name   string
	points []float64
	base   float64 // value of a horizontal line; NaN for no line
	format func(float64) string
}

// curves draws panels side by side. names has the labels of the points, which are equal in all panels. mark is the
// index of the point of this selection.
func curves(d *drawing, names []string, panels []panel, mark int) {
	d.legend([2]string{"random", "this selection"}, [2]string{"subset", "the same rules at another budget"})
	d.Height = 234
	width := float64(drawingWidth) / float64(len(panels))
	for p, of := range panels {
		most, steps := scale(largest([]row{{values: append(of.points[:len(of.points):len(of.points)], of.base)}}))
		left, right := width*float64(p)+46, width*float64(p+1)-14
		y := func(v float64) float64 { return 196 - 140*v/most }
		d.text(left-42, 40, "start", of.name)
		for i := range steps + 1 {
			v := most * float64(i) / float64(steps)
			d.line(left, y(v), right, y(v), "grid")
			d.text(left-6, y(v)+4, "end", of.format(v))
		}
		if !math.IsNaN(of.base) {
			d.line(left, y(of.base), right, y(of.base), "base")
			d.text(left+2, y(of.base)+14, "start", "pool")
		}
		x := func(i int) float64 { return left + 12 + (right-left-24)*float64(i)/float64(max(len(names)-1, 1)) }
		for i, v := range of.points {
			if i > 0 {
				d.line(x(i-1), y(of.points[i-1]), x(i), y(v), "curve")
			}
			class := "subset"
			if i == mark {
				class = "random"
			}
			d.dot(x(i), y(v), class, names[i]+": "+of.format(v))
			d.text(x(i), 216, "middle", names[i])
		}
	}
}
