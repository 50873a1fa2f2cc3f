package main

import (
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/jedib0t/go-pretty/v6/table"
)

// shownSources is how many sources are printed, and shownSource how many characters of a name; selection.json has all.
const (
	shownSources = 5
	shownSource  = 30
)

// printReach prints how far a dataset is from its scorer's training data, one line a source, and what to do about it.
// Without a report it prints nothing. others names the output that lists the sources that are left out.
func printReach(w io.Writer, r *reach.Report, others string) error {
	if r == nil {
		return nil
	}
	if len(r.Sources) > 0 {
		head := []any{"source", "samples", "far", "band"}
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
