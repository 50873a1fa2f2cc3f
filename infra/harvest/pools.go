package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
)

// poolsTable returns a table of the agreement on pools of a few sources, compared with a rater who knows only each
// source's mean.
func poolsTable(p *agreement.Pools, capabilities []string) table.Writer {
	t := newTable(fmt.Sprintf("pools of %d sources", agreement.PoolSources),
		"Spearman", "QW kappa", "within source", "source means: Spearman")
	row := func(name string, f agreement.PoolFigures, means agreement.Spread) {
		t.AppendRow(table.Row{name, spread(f.Spearman), figure(f.QWK.Median), figure(f.WithinSource.Median),
			figure(means.Median)})
	}
	for _, name := range capabilities {
		row(name, p.Capabilities[name], p.SourceMeans[name])
	}
	t.AppendSeparator()
	row("mean", p.PoolFigures, p.SourceMean.Spearman)
	return t
}

// poolsLine returns a text that explains the table. The text also has the figures of styles and of selections.
func poolsLine(p *agreement.Pools) string {
	var values, open []string
	for _, budget := range slices.Sorted(maps.Keys(p.SelectionValue)) {
		value := p.SelectionValue[budget]
		values = append(values, fmt.Sprintf("%s at %s", spread(value), budget))
		if value.Low <= 0 && value.High >= 1 {
			open = append(open, budget)
		}
	}
	text := fmt.Sprintf("Pools of %d sources: medians over %d pools (5th to 95th percentile), compared with a rater who "+
		"knows only each source's mean. Over these pools, the median F1 of styles is %s, and the median selection value "+
		"is %s. The tables above have these figures for all samples together.\nThe selection value is the gain of a "+
		"selection by these ratings over a random selection, as a share of the gain of a selection by the annotations.\n",
		agreement.PoolSources, p.Drawn, spread(p.MicroF1), strings.Join(values, ", "))
	if len(open) > 0 {
		text += fmt.Sprintf("Pools of this size do not show the selection value at %s: its interval reaches from 0 or less "+
			"(no better than random) to 1 or more (as good as the annotations).\n", strings.Join(open, " and "))
	}
	return text
}

// spread returns a median with its range, as text.
func spread(s agreement.Spread) string {
	return ranged(s.Median, agreement.Interval{s.Low, s.High})
}
