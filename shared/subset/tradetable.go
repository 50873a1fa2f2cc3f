package subset

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// TradeTitle returns the name of a row of the result of Trade, which compares the chosen selection (the first row) with
// other selections.
func TradeTitle(rows []TradeRow, i int) string {
	switch {
	case i == 0:
		return "chosen"
	case rows[i].Strategy != rows[0].Strategy:
		return string(rows[i].Strategy)
	default:
		return fmt.Sprintf("threshold %d", rows[i].Threshold)
	}
}

// LowPicks returns the share of picks on a rating of 1 or 0 as a sentence without its full stop. It does not count
// samples that were not picked on a rating, because they come from a smaller budget or were included by name.
func LowPicks(row TradeRow) string {
	picks := row.PickRatings.Total()
	low := fmt.Sprintf("%.1f %%", 100*row.PickRatings.Low(picks))
	const how = "were picked on a rating of 1 or 0"
	if picks == row.Selected {
		return fmt.Sprintf("%s of the samples %s", low, how)
	}
	return fmt.Sprintf("Of the %s %s that were picked on a rating, %s %s",
		humanize.Comma(int64(picks)), spelling.Plural(picks, "sample"), low, how)
}

// TradeTable returns the rows of Trade as a table for a terminal or a page. Each row is a column of the table, and each
// line has one figure of all rows, after the figure's name. The header and the lines have the same length.
func TradeTable(rows []TradeRow) (head []string, lines [][]string) {
	head = []string{"figure"}
	for i := range rows {
		head = append(head, TradeTitle(rows, i))
	}
	add := func(name string, value func(TradeRow) string) {
		line := []string{name}
		for _, row := range rows {
			line = append(line, value(row))
		}
		lines = append(lines, line)
	}
	number := func(n int) string { return humanize.Comma(int64(n)) }
	for rating := selection.MaxRating; rating >= 0; rating-- {
		add(fmt.Sprintf("picked on a rating of %d", rating), func(r TradeRow) string {
			if r.PickRatings == nil {
				return "-"
			}
			return number(r.PickRatings[rating])
		})
	}
	share := func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
	bits := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	add("kept of all ratings of 4 and 5", func(r TradeRow) string { return share(r.HighKept) })
	add("capabilities below pool mean", func(r TradeRow) string { return number(r.BelowPool) })
	add("bins", func(r TradeRow) string { return number(r.Bins) })
	add("sources", func(r TradeRow) string { return number(r.Sources) })
	add("entropy over styles, bits", func(r TradeRow) string { return bits(r.StyleEntropy) })
	add("entropy over sources, bits", func(r TradeRow) string { return bits(r.SourceEntropy) })
	add("tokens (estimate)", func(r TradeRow) string {
		if r.Tokens == 0 && r.Selected > 0 { // the pool's tokens are not known
			return "-"
		}
		return number(r.Tokens)
	})
	add("shortfall", func(r TradeRow) string { return number(r.Shortfall) })
	add("shared with the chosen selection", func(r TradeRow) string {
		return share(float64(r.Shared) / float64(max(rows[0].Selected, 1)))
	})
	return head, lines
}
