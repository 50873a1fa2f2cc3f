package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/jedib0t/go-pretty/v6/table"
)

// reachTable is what is known of errors by the distance of a source from what was learned from.
func reachTable(s *reach.Scale) table.Writer {
	t := newTable("sources that were left out", "sources", "samples", "mean absolute error")
	for b := range s.Bands {
		m := s.Bands[b]
		cell := "-"
		if m.Sources > 0 {
			cell = fmt.Sprintf("%.2f (%.2f to %.2f)", m.Error.Value, m.Error.Low, m.Error.High)
		}
		t.AppendRow(table.Row{reach.Band(b), m.Sources, m.Samples, cell})
	}
	return t
}

// reachLine says what the table is, and whether errors of single sources are forecast.
func reachLine(s *reach.Scale) string {
	c := s.Correlation
	line := fmt.Sprintf("Near, edge, far: how far most of a source's samples are from what was learned from. A forecast "+
		"of a source's error correlates with the error measured by %.2f (%.2f to %.2f, Spearman)", c.Value, c.Low, c.High)
	if s.Forecasts() {
		return line + ": it is shown.\n"
	}
	return line + ": too little to be shown; the errors of the bands are.\n"
}
