package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/jedib0t/go-pretty/v6/table"
)

// reachTable returns a table of the errors on sources, by their distance from the training data.
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

// reachLine returns a text that explains the table. The text also says whether the errors of single sources are
// forecast.
func reachLine(s *reach.Scale) string {
	c := s.Correlation
	line := fmt.Sprintf("Near, edge, far: the distance of most of a source's samples from the training data. A forecast "+
		"of a source's error correlates with the error measured by %.2f (%.2f to %.2f, Spearman)", c.Value, c.Low, c.High)
	if s.Forecasts() {
		return line + ", so the forecast is shown.\n"
	}
	return line + ". This is too little to show a forecast; the errors of the bands are shown.\n"
}
