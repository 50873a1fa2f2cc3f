package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
)

// printPicks prints the number of samples that were picked on each rating, and the share of the pool's high ratings
// that the subset keeps.
func printPicks(w io.Writer, s selection.Summary) error {
	if s.PickRatings != nil {
		header, counts, shares := []any{"picked on a rating of"}, table.Row{"samples"}, table.Row{"share"}
		for rating := len(s.PickRatings) - 1; rating >= 0; rating-- {
			n := s.PickRatings[rating]
			header, counts = append(header, rating), append(counts, n)
			shares = append(shares, share(float64(n)/float64(max(s.PickRatings.Total(), 1))))
		}
		t := newNarrowTable([]int{26}, header...)
		t.AppendRows([]table.Row{counts, shares})
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
		if others := s.Selection.Samples - s.PickRatings.Total(); others > 0 {
			note := fmt.Sprintf("%s not picked on a rating: from a smaller budget or from --include",
				number(others, "other sample"))
			if _, err := fmt.Fprintln(w, folded(note, "")); err != nil {
				return err
			}
		}
	}
	below := cmp.Or(strings.Join(s.BelowPool, ", "), "no capability")
	_, err := fmt.Fprintf(w, "\nkept of all ratings of 4 and 5: %s\n%s\n", share(s.HighKept),
		folded("below the pool's mean rating: "+below, ""))
	return err
}

// printTrade prints the results of other rules at the same budget, and the command for each rule. If rows is empty, it
// prints nothing.
func printTrade(
	w io.Writer, rows []subset.TradeRow, chosen selection.Request, command string, files typedFiles,
) error {
	if len(rows) == 0 {
		return nil
	}
	note := subset.LowPicks(rows[0]) + ". The table shows other rules at this budget. Its figures do not measure the " +
		"quality of training."
	if _, err := fmt.Fprintf(w, "\n%s\n", folded(note, "")); err != nil {
		return err
	}
	head, lines := subset.TradeTable(rows)
	t := newNarrowTable([]int{30, 15, 15, 15}, anys(head)...)
	for _, line := range lines {
		t.AppendRow(anys(line))
	}
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return err
	}
	for i, row := range rows[1:] {
		request := chosen
		request.Rules = row.Rules(chosen.Rules)
		title := subset.TradeTitle(rows, i+1)
		if _, err := fmt.Fprintf(w, "%s:\n%s\n", title, foldedCommand("  "+command+" "+files.flagsOf(request))); err != nil {
			return err
		}
	}
	return nil
}

// share returns a share in [0, 1] as text, in percent.
func share(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// anys returns texts as the cells of a table row.
func anys(texts []string) []any {
	cells := make([]any, len(texts))
	for i, text := range texts {
		cells[i] = text
	}
	return cells
}
