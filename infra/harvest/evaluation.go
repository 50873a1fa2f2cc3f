package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
)

// print prints the tables of an evaluation.
func (e *evaluation) print(w io.Writer) error {
	for _, t := range []table.Writer{e.capabilityTable(), e.styleTable(), e.selectionTable(), e.sourceTable()} {
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	within := e.WithinSource
	if _, err := fmt.Fprintf(w, "\n%d of %d annotated samples compared with %s. Intervals hold 95 %% (bootstrap).\n"+
		"Within sources: %d sources of %d samples or more; above 0, what knowing the source alone gives, for %d of %d capabilities.\n",
		e.Samples, e.Annotations, e.Scorer, within.Sources, agreement.LeastOfSource, within.Above, len(e.capabilities)); err != nil {
		return err
	}
	if n := len(e.Absent); n > 0 {
		if _, err := fmt.Fprintf(w, "%d annotations have no sample in the manifests, such as %q.\n", n, e.Absent[:min(n, absentNamed)]); err != nil {
			return err
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(e.Failed)) {
		if _, err := fmt.Fprintf(w, "%d samples not rated: %s\n", e.Failed[reason], reason); err != nil {
			return err
		}
	}
	return nil
}

// absentNamed is how many annotations without a sample are printed; --json names all.
const absentNamed = 10

func (e *evaluation) capabilityTable() table.Writer {
	t := newTable("capability", "Spearman", "QW kappa", "exact", "within one", "within source", "samples")
	row := func(name string, a agreement.Agreement, within agreement.Value, interval agreement.Interval, samples any) {
		t.AppendRow(table.Row{name, ranged(a.Spearman, a.Intervals.Spearman), ranged(a.QWK, a.Intervals.QWK), figure(a.Exact), figure(a.WithinOne), ranged(within, interval), samples})
	}
	for _, name := range e.capabilities {
		c, within := e.Capabilities[name], e.WithinSource.Capabilities[name]
		row(name, c.Agreement, within.Spearman, within.Interval, c.Compared)
	}
	t.AppendSeparator()
	row("mean", e.Mean, e.WithinSource.Spearman, e.WithinSource.Interval, "")
	return t
}

func (e *evaluation) styleTable() table.Writer {
	t := newTable("style", "annotated", "given", "precision", "recall", "F1")
	for _, name := range e.styles {
		s := e.Styles.Styles[name]
		t.AppendRow(table.Row{name, s.Annotated, s.Given, figure(s.Precision), figure(s.Recall), ranged(s.F1, s.Interval)})
	}
	t.AppendSeparator()
	all := e.Styles
	t.AppendRow(table.Row{"all", "", "", figure(all.MicroPrecision), figure(all.MicroRecall), ranged(all.MicroF1, all.Intervals.MicroF1)})
	return t
}

func (e *evaluation) selectionTable() table.Writer {
	t := newTable("selection at", "in both", "by chance")
	for _, budget := range slices.Sorted(maps.Keys(e.Overlap)) {
		t.AppendRow(table.Row{budget, figure(e.Overlap[budget]), figure(e.RandomOverlap[budget])})
	}
	return t
}

func (e *evaluation) sourceTable() table.Writer {
	t := newTable("source", "samples", "Spearman", "QW kappa", "exact", "within one", "styles' F1")
	for _, name := range slices.Sorted(maps.Keys(e.Sources)) {
		s := e.Sources[name]
		t.AppendRow(table.Row{name, s.Samples, figure(s.Spearman), figure(s.QWK), figure(s.Exact), figure(s.WithinOne), figure(s.MicroF1)})
	}
	return t
}
