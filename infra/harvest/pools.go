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
	var values []string
	for _, budget := range slices.Sorted(maps.Keys(p.SelectionValue)) {
		values = append(values, fmt.Sprintf("%s at %s", spread(p.SelectionValue[budget]), budget))
	}
	return fmt.Sprintf("Pools of %d sources: medians over %d pools (5th to 95th percentile), compared with a rater who "+
		"knows only each source's mean. Styles: F1 %s.\nSelection value: %s. It is the gain of a selection by these "+
		"ratings over a random selection, as a share of the gain of a selection by the annotations.\n",
		agreement.PoolSources, p.Drawn, spread(p.MicroF1), strings.Join(values, ", "))
}

// spread returns a median with its range, as text.
func spread(s agreement.Spread) string {
	return ranged(s.Median, agreement.Interval{s.Low, s.High})
}
