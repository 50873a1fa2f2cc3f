package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// print prints what cross-validation tells of the weights.
func (t *trained) print(w io.Writer, file string) error {
	header := []any{"capability", "seen sources: Spearman", "QW kappa", "within source"}
	if t.UnseenSources != nil {
		header = append(header, "unseen sources: Spearman", "QW kappa", "within source")
	}
	capabilities := newTable(header...)
	row := func(name string, of func(*validated) []any) {
		cells := table.Row{name}
		for _, v := range []*validated{t.SeenSources, t.UnseenSources} {
			if v != nil {
				cells = append(cells, of(v)...)
			}
		}
		capabilities.AppendRow(cells)
	}
	for _, name := range t.capabilities {
		row(name, func(v *validated) []any {
			c := v.Capabilities[name]
			return []any{figure(c.Spearman), figure(c.QWK), figure(c.WithinSource)}
		})
	}
	capabilities.AppendSeparator()
	row("mean", func(v *validated) []any {
		return []any{figure(v.Mean.Spearman), figure(v.Mean.QWK), figure(v.Mean.WithinSource)}
	})
	styles := newTable(styleHeader(t.UnseenSources != nil)...)
	for _, name := range append(append([]string{}, t.styles...), "") {
		cells := table.Row{name}
		if name == "" {
			styles.AppendSeparator()
			cells[0] = "all"
		}
		for _, v := range []*validated{t.SeenSources, t.UnseenSources} {
			switch {
			case v == nil:
			case name == "":
				cells = append(cells, figure(v.MicroF1))
			default:
				cells = append(cells, figure(v.Styles[name]))
			}
		}
		styles.AppendRow(cells)
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s\n\nAgreement with annotations that were left out of the training: by image for seen sources, by source for unseen ones.\n"+
		"Weights for %d capabilities and %d styles, learned from %d samples of %d sources: %s (%d bytes). Use them as --scorer embedded:%s\n",
		capabilities.Render(), styles.Render(), len(t.capabilities), len(t.styles), t.Samples, t.Sources, file, t.Weights.Bytes, file)
	return err
}

func styleHeader(unseen bool) []any {
	if unseen {
		return []any{"style", "seen sources: F1", "unseen sources: F1"}
	}
	return []any{"style", "seen sources: F1"}
}
