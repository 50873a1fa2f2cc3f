package report

import (
	"fmt"
	"math"
	"strconv"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/subset"
)

// columnFigure compares external columns. Columns have different scales, so each mean is drawn relative to the lowest
// and the highest number of both selections.
func columnFigure(columns []subset.ColumnPair) *Figure {
	f := newFigure("columns", "Which external numbers are higher, in A or in B?",
		"column", "mean of A", "median of A", "A with a number", "mean of B", "median of B", "B with a number")
	var rows []row
	most, reading := 0.0, "Both have the same means."
	for _, c := range columns[:min(len(columns), maxFlows)] {
		name := webpage.Name(c.Name)
		inA, inB := placeOf(c, c.A), placeOf(c, c.B)
		rows = append(rows, row{name: name, values: []float64{inA, inB}})
		f.Table.add(name, plainNumber(c.A.Mean), plainNumber(c.A.Median), webpage.Percent(c.A.Coverage),
			plainNumber(c.B.Mean), plainNumber(c.B.Median), webpage.Percent(c.B.Coverage))
		if by := math.Abs(inB - inA); by > most {
			most = by
			reading = fmt.Sprintf("The largest difference: %s, with a mean of %s in A and of %s in B.", name,
				plainNumber(c.A.Mean), plainNumber(c.B.Mean))
		}
	}
	dots(&f.Drawing, rows, sides, func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) })
	reading += " The axis goes from the lowest number of A and B (0 %) to the highest (100 %)."
	if more := len(columns) - maxFlows; more > 0 {
		reading += fmt.Sprintf(" %d more are not shown.", more)
	}
	return f.end(reading)
}

// placeOf returns the position of a side's mean between the lowest number (0) and the highest number (1) of both sides;
// NaN without a mean.
func placeOf(c subset.ColumnPair, side subset.ColumnFigures) float64 {
	switch {
	case side.Mean == nil:
		return math.NaN()
	case c.Most == c.Least:
		return 0.5
	}
	// Halves are used because the difference of two large numbers may overflow.
	return (*side.Mean/2 - c.Least/2) / (c.Most/2 - c.Least/2)
}

func plainNumber(v *float64) string {
	if v == nil {
		return "none"
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}
