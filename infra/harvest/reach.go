package main

import (
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/jedib0t/go-pretty/v6/table"
)

// shownSources is the maximum number of printed sources. shownSource is the maximum number of printed characters of a
// source's name. selection.json has all.
const (
	shownSources = 5
	shownSource  = 30
)

// printReach prints the distance of a dataset from its scorer's training data, one line per source, and advice. If r is
// nil, it prints nothing. counted is the header of the numbers of samples. others names the output that lists all
// sources.
func printReach(w io.Writer, r *reach.Report, counted, others string) error {
	if r == nil {
		return nil
	}
	if len(r.Sources) > 0 {
		head := []any{"source", counted, "far", "band"}
		if r.Scale.Forecasts() {
			head = append(head, "error, forecast")
		}
		t := newNarrowTable([]int{shownSource, 9, 7, 5, 15}, head...)
		for _, s := range r.Sources[:min(len(r.Sources), shownSources)] {
			row := table.Row{shortened(s.Source, shownSource), s.Samples, share(s.Far), s.Band}
			if s.Error != nil {
				row = append(row, fmt.Sprintf("%.2f", *s.Error))
			}
			t.AppendRow(row)
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
		if more := len(r.Sources) + r.More - shownSources; more > 0 && others != "" {
			if _, err := fmt.Fprintf(w, "%s: see %s\n", number(more, "more source"), others); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%s\n", folded(r.Sentence(), ""))
	return err
}
