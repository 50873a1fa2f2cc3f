package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
)

// maxShortfalls is the maximum number of printed rows of a shortfall. selection.json has all.
const maxShortfalls = 5

// printSummary compares a subset with its pool and with random subsets.
func printSummary(w io.Writer, s selection.Summary) error {
	columns := []struct {
		name string
		of   *selection.Statistics
	}{{"pool", &s.Pool}, {"subset", &s.Selection}, {"random", &s.Random}, {"random, same tokens", s.RandomTokens}}
	if s.RandomTokens == nil {
		columns = columns[:3]
	}
	widths := []int{26, 9, 9, 9, 11}
	header := func(name string) []any {
		cells := []any{name}
		for _, c := range columns {
			cells = append(cells, c.name)
		}
		return cells
	}
	fill := func(t table.Writer, name string, value func(*selection.Statistics) any) {
		row := table.Row{name}
		for _, c := range columns {
			row = append(row, value(c.of))
		}
		t.AppendRow(row)
	}
	ratings := newNarrowTable(widths, header("mean rating")...)
	for i, r := range s.Pool.Ratings {
		fill(ratings, r.Capability, func(p *selection.Statistics) any { return fmt.Sprintf("%.2f", p.Ratings[i].Mean) })
	}
	styles := newNarrowTable(widths, header("style share")...)
	for i, style := range s.Pool.Styles {
		fill(styles, style.Style, func(p *selection.Statistics) any { return share(p.Styles[i].Share) })
	}
	whole := newNarrowTable(widths, header("as a whole")...)
	fill(whole, "samples", func(p *selection.Statistics) any { return p.Samples })
	fill(whole, "tokens (estimate)", func(p *selection.Statistics) any {
		if s.RandomTokens == nil { // the pool's tokens are not known
			return "-"
		}
		return p.Tokens
	})
	fill(whole, "sources", func(p *selection.Statistics) any { return p.Sources })
	fill(whole, "bins (style + source)", func(p *selection.Statistics) any { return p.Bins })
	twoDigits := func(v float64) any { return fmt.Sprintf("%.2f", v) }
	fill(whole, "entropy over styles, bits", func(p *selection.Statistics) any { return twoDigits(p.StyleEntropy) })
	fill(whole, "entropy over sources, bits", func(p *selection.Statistics) any { return twoDigits(p.SourceEntropy) })
	for i, shape := range s.Pool.Shapes.Named() {
		fill(whole, shape.Name, func(p *selection.Statistics) any { return share(p.Shapes.Named()[i].Share) })
	}
	fill(whole, "correlation of ratings with length", func(p *selection.Statistics) any {
		if p.LengthCorrelation == nil {
			return "-"
		}
		return twoDigits(*p.LengthCorrelation)
	})
	for _, t := range []table.Writer{ratings, styles, whole} {
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	return printPicks(w, s)
}

// missedMinimums returns the rows of a shortfall for minimums of sources and styles. A minimum can be missed although
// the budget is filled.
func missedMinimums(rows []selection.Shortfall) (missed []selection.Shortfall) {
	for _, row := range rows {
		if row.Source != "" || row.Style != "" {
			missed = append(missed, row)
		}
	}
	return missed
}

// warnOfShortfall warns if a budget or a minimum could not be filled.
func warnOfShortfall(w io.Writer, asked selection.ResolvedRequest, short int, rows []selection.Shortfall) {
	if missed := missedMinimums(rows); len(missed) > 0 {
		fmt.Fprintf(w, "harvest: warning: minimums not reached: %d, such as %d of %s of %s: %s\n",
			len(missed), missed[0].Given, number(missed[0].Asked, "sample"),
			spelling.Shown(missed[0].Source+missed[0].Style), missed[0].Cause)
	}
	if short == 0 {
		return
	}
	unit := "samples"
	if asked.InTokens {
		unit = "tokens"
	}
	fmt.Fprintf(w, "harvest: warning: %d of a budget of %d %s could not be filled: too few samples can be selected%s\n",
		short, asked.Budget, unit, withinCaps(asked.Request.Caps, rows))
}

// withinCaps returns a text with the flags of a selection's caps if a cap removed candidates. Otherwise the text is
// empty.
func withinCaps(caps selection.Caps, rows []selection.Shortfall) string {
	if !slices.ContainsFunc(rows, func(row selection.Shortfall) bool { return row.Cause == selection.CauseRemoved }) {
		return ""
	}
	var typed []string
	addCaps(caps, func(flag, value string) {
		if value != "" {
			typed = append(typed, "--"+flag+" "+value)
		}
	})
	if len(typed) == 0 {
		return ""
	}
	return " within " + strings.Join(typed, ", ")
}

// warnOfNumbers warns of ids in --scores-from that belong to no sample, and of samples without a number.
func warnOfNumbers(w io.Writer, found *subset.NumbersMatch, samples int) {
	if found == nil || found.Unknown == 0 && len(found.Without) == 0 {
		return
	}
	var words []string
	if found.Unknown > 0 {
		words = append(words, fmt.Sprintf("%d of its %d ids belong to no sample of the run, such as %s",
			found.Unknown, found.IDs, spelling.Shown(found.Example)))
	}
	for _, column := range slices.Sorted(maps.Keys(found.Without)) {
		words = append(words, fmt.Sprintf("%d of %s have no number in %s", found.Without[column], number(samples, "sample"),
			spelling.Shown(column)))
	}
	fmt.Fprintf(w, "harvest: warning: --scores-from: %s\n", strings.Join(words, "; "))
}

// printShortfalls prints the parts of the budget or of minimums that could not be selected, with their causes. If there
// are none, it prints nothing.
func printShortfalls(w io.Writer, short int, rows []selection.Shortfall) error {
	if short == 0 {
		rows = missedMinimums(rows)
	}
	if len(rows) == 0 {
		return nil
	}
	t := newNarrowTable([]int{26, 9, 9, 26}, "shortfall", "requested", "selected", "reason")
	for _, row := range rows[:min(len(rows), maxShortfalls)] {
		name := row.Capability
		if row.Bin != "" {
			name += ": " + row.Bin
		}
		if row.Source != "" {
			name = "minimum of " + row.Source
		}
		if row.Style != "" {
			name = "minimum of " + row.Style
		}
		t.AppendRow(table.Row{name, row.Asked, row.Given, row.Cause})
	}
	_, err := fmt.Fprintf(w, "\n%s\n", t.Render())
	if err == nil && len(rows) > maxShortfalls {
		_, err = fmt.Fprintf(w, "in selection.json: %s\n", number(len(rows)-maxShortfalls, "more row"))
	}
	return err
}
