package agreement

import "slices"

// report builds the report from the figures of all samples and the figures of every resample.
func (t *table) report(resamples []figures) *Report {
	all := t.figures(t.ones())
	interval := func(row, column int) Interval { return percentiles(resamples, row, column) }
	agreement := func(row int) Agreement {
		a := Agreement{Figures: all.of(row)}
		a.Intervals.Spearman, a.Intervals.QWK = interval(row, spearmanAt), interval(row, kappaAt)
		a.Intervals.Exact, a.Intervals.WithinOne = interval(row, exactAt), interval(row, nearAt)
		return a
	}
	r := &Report{
		Samples: t.n, Mean: agreement(t.meanRow()), Capabilities: map[string]Capability{}, Sources: map[string]Source{},
	}
	r.WithinSource = WithinSource{
		Sources: len(t.groups), Samples: len(slices.Concat(t.groups...)), Capabilities: map[string]WithinCapability{},
		Spearman: Value(all[t.meanRow()][withinAt]), Interval: interval(t.meanRow(), withinAt),
	}
	for c := range t.columns {
		column := &t.columns[c]
		r.Capabilities[column.name] = Capability{
			Compared: column.compared, AnnotatedMissing: column.annotatedMissing, GivenMissing: column.givenMissing,
			Agreement: agreement(c),
		}
		within := WithinCapability{Value(all[c][withinAt]), interval(c, withinAt)}
		r.WithinSource.Capabilities[column.name] = within
		if within.Interval[0] > 0 {
			r.WithinSource.Above++
		}
	}
	micro := all[t.microRow()]
	r.Styles = Styles{
		MicroPrecision: Value(micro[precisionAt]), MicroRecall: Value(micro[recallAt]), MicroF1: Value(micro[f1At]),
		Styles: map[string]Style{},
	}
	r.Styles.Intervals.MicroF1 = interval(t.microRow(), f1At)
	for i, label := range t.labels {
		row := t.meanRow() + 1 + i
		r.Styles.Styles[label.name] = Style{
			Annotated: count(label.annotated), Given: count(label.given),
			Precision: Value(all[row][precisionAt]), Recall: Value(all[row][recallAt]), F1: Value(all[row][f1At]),
			Interval: interval(row, f1At),
		}
	}
	for name, weights := range t.bySource() {
		of := t.figures(weights)
		samples := 0
		for _, w := range weights {
			samples += int(w)
		}
		r.Sources[name] = Source{Samples: samples, Figures: of.of(t.meanRow()), MicroF1: Value(of[t.microRow()][f1At])}
	}
	return r
}

func count(marks []bool) int {
	n := 0
	for _, mark := range marks {
		if mark {
			n++
		}
	}
	return n
}
