package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

const (
	// resamples is the number of bootstrap resamples. With another seed the ends of intervals move by less than 0.01.
	resamples = 1000
	// poolsDrawn is the number of pools of a few sources that are drawn.
	poolsDrawn = 200
	// resampleSeed is fixed, so that equal inputs give equal reports.
	resampleSeed = 1
)

// An evaluation is the report of evaluate. --json prints this object.
type evaluation struct {
	*agreement.Report
	// ValueIntervals are the bootstrap intervals of the report's SelectionValue.
	ValueIntervals map[string]agreement.Interval `json:"selection_value_intervals"`
	// Pools is the agreement on pools of a few sources; null if the dataset has no more sources than one pool.
	Pools *agreement.Pools `json:"pools"`
	// Annotations is the number of annotations in the file: compared, absent and failed annotations together.
	Annotations int `json:"annotations"`
	// Absent are ids of annotations without a sample.
	Absent []string `json:"absent"`
	// Failed counts the samples that could not be rated, by reason.
	Failed map[reason.Code]int64 `json:"failed"`
	// Scorer is the id of the scorer, or the file of the other annotations.
	Scorer string `json:"scorer"`
	Rubric string `json:"rubric"`
	// Run is the id of the run that scored the annotated samples; empty with --against.
	Run     string             `json:"run,omitempty"`
	Seconds map[string]float64 `json:"seconds"`

	capabilities, styles []string
}

func newEvaluate() *cobra.Command {
	var (
		flags          annotationFlags
		out            outputFlags
		scorer         scorerFlags
		against, state string
	)
	cmd := &cobra.Command{
		Use:   "evaluate --annotations FILE MANIFEST...",
		Short: "Measure how far a scorer agrees with annotations, or two files of annotations with each other",
		Example: `  harvest evaluate --annotations dev.jsonl --images pool/images pool/dataset.json
  harvest evaluate --annotations dev.jsonl --against second.jsonl pool/dataset.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			if against != "" && cmd.Flags().Changed("scorer") {
				return usageError{errors.New("--against and --scorer exclude each other; give one of the two")}
			}
			set, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			e, err := set.evaluate(cmd.Context(), scorer, against, state, out.quiet)
			if err != nil {
				return err
			}
			e.Seconds["total"] = time.Since(start).Seconds()
			if out.json {
				return api.EncodeJSON(cmd.OutOrStdout(), e)
			}
			return e.print(cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	out.add(cmd)
	scorer.add(cmd, "embedded")
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&against, "against", "", "second file of annotations to compare with, instead of a scorer")
	return cmd
}

// evaluate compares the annotations with the ratings of a scorer, or with the annotations in the file that against
// names.
func (set *annotationSet) evaluate(
	ctx context.Context, scorer scorerFlags, against, state string, quiet bool,
) (*evaluation, error) {
	e := &evaluation{
		Annotations: len(set.annotations), Failed: map[reason.Code]int64{}, Rubric: set.rubric.Hash(),
		Seconds: map[string]float64{}, capabilities: set.rubric.Capabilities, styles: set.rubric.Styles,
	}
	samples, absent, err := set.find(ctx)
	if err != nil {
		return nil, err
	}
	e.Absent = append([]string{}, absent...)
	var rated []agreement.Sample
	if against != "" {
		rated, err = e.rateFromFile(set, samples, against)
	} else {
		rated, err = e.rate(ctx, set, samples, scorer, state, quiet)
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	options := agreement.Options{
		Capabilities: e.capabilities, Styles: e.styles, Resamples: resamples, Seed: resampleSeed,
	}
	if e.Report, err = agreement.Measure(rated, options); err != nil {
		return nil, err
	}
	if e.ValueIntervals, err = agreement.ValueIntervals(rated, options); err != nil {
		return nil, err
	}
	options.Resamples = poolsDrawn
	e.Pools, err = agreement.MeasurePools(rated, options)
	e.Seconds["measure"] = time.Since(start).Seconds()
	return e, err
}

// notAnnotated is the code of an annotated sample that the second file of annotations lacks.
const notAnnotated reason.Code = "not_annotated"

// rateFromFile reads the ratings from another file of annotations.
func (e *evaluation) rateFromFile(
	set *annotationSet, samples []datasetSample, name string,
) ([]agreement.Sample, error) {
	second, err := readAnnotations(name, set.rubric, set.limits.Compressed)
	if err != nil {
		return nil, err
	}
	e.Scorer = name
	given := map[string]annotation.Annotation{}
	for _, a := range second {
		given[a.ID] = a
	}
	var rated []agreement.Sample
	for _, f := range samples {
		a, there := given[f.annotation.ID]
		if !there {
			e.Failed[notAnnotated]++
			continue
		}
		rated = append(rated, agreement.Sample{
			ID: a.ID, Source: f.sample.Source, Annotated: opinion(f.annotation), Given: opinion(a),
		})
	}
	if len(rated) == 0 {
		return nil, fmt.Errorf("no sample is annotated in both files: %[2]s has %[1]d annotations, the first of %[3]q; "+
			"give annotations of the same samples", len(second), name, second[0].ID)
	}
	return rated, nil
}

// opinion returns the compared part of an annotation. A missing score becomes a missing rating.
func opinion(a annotation.Annotation) agreement.Opinion {
	return agreement.Opinion{Ratings: a.Scores, Styles: a.Styles}
}

// rate rates the annotated samples in a separate run. The run is kept, so that no sample is rated twice.
func (e *evaluation) rate(
	ctx context.Context, set *annotationSet, samples []datasetSample, scorer scorerFlags, state string, quiet bool,
) ([]agreement.Sample, error) {
	show := newDisplay(quiet)
	defer show.close()
	scored, err := set.scoreSamples(ctx, samples, scorer, state, show, e.Seconds, mountFramework)
	if err != nil {
		return nil, err
	}
	e.Run, e.Scorer = scored.status.Run, scored.status.ScorerID
	for code, n := range scored.status.Reasons {
		e.Failed[code] = n
	}
	var rated []agreement.Sample
	for i, f := range samples {
		if given, ok := scored.opinion(i); ok {
			rated = append(rated, agreement.Sample{
				ID: f.annotation.ID, Source: f.sample.Source, Annotated: opinion(f.annotation), Given: given,
			})
		}
	}
	if len(rated) == 0 {
		return nil, scored.unrated("annotated")
	}
	return rated, nil
}

// print prints the tables of an evaluation.
func (e *evaluation) print(w io.Writer) error {
	tables := []table.Writer{e.capabilityTable(), e.styleTable(), e.selectionTable(), e.sourceTable()}
	if e.Pools != nil {
		tables = append(tables, poolsTable(e.Pools, e.capabilities))
	}
	for _, t := range tables {
		if _, err := fmt.Fprintf(w, "\n%s\n", t.Render()); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%d of %s compared with %s. Intervals have 95 %% confidence (bootstrap).\n%s\n",
		e.Samples, number(e.Annotations, "annotated sample"), e.Scorer, e.withinLine())
	if _, err := fmt.Fprintf(w, "\n%s", foldedLines(text)); err != nil {
		return err
	}
	if e.Pools != nil {
		if _, err := fmt.Fprint(w, foldedLines(poolsLine(e.Pools))); err != nil {
			return err
		}
	}
	if err := printAbsent(w, e.Absent); err != nil {
		return err
	}
	for _, code := range slices.Sorted(maps.Keys(e.Failed)) {
		if _, err := fmt.Fprintf(w, "%s not rated: %s\n", number(int(e.Failed[code]), "sample"), code.Phrase()); err != nil {
			return err
		}
	}
	return nil
}

// withinLine returns a text that explains the column "within source".
func (e *evaluation) withinLine() string {
	within := e.WithinSource
	if within.Sources == 0 {
		return fmt.Sprintf("Within sources: not measured, because no source has %d samples or more.",
			agreement.LeastOfSource)
	}
	return fmt.Sprintf("Within sources: %s with %d samples or more. For %d of %d capabilities the correlation is above "+
		"0. A rater who knows only the source has 0.",
		number(within.Sources, "source"), agreement.LeastOfSource, within.Above, len(e.capabilities))
}

func (e *evaluation) capabilityTable() table.Writer {
	t := newTable("capability", "Spearman", "QW kappa", "exact", "within one", "within source", "samples")
	row := func(name string, a agreement.Agreement, within agreement.Value, interval agreement.Interval, samples any) {
		t.AppendRow(table.Row{
			name, ranged(a.Spearman, a.Intervals.Spearman), ranged(a.QWK, a.Intervals.QWK), figure(a.Exact),
			figure(a.WithinOne), ranged(within, interval), samples,
		})
	}
	for _, name := range e.capabilities {
		c, within := e.Capabilities[name], e.WithinSource.Capabilities[name]
		row(name, c.Agreement, within.Spearman, within.Interval, c.Compared)
	}
	t.AppendSeparator()
	row("mean", e.Mean, e.WithinSource.Spearman, e.WithinSource.Interval, "")
	known, within := e.SourceMean, agreement.Value(0)
	if e.WithinSource.Sources == 0 {
		within = agreement.Value(math.NaN())
	}
	t.AppendRow(table.Row{
		"each source's mean alone", figure(known.Spearman), figure(known.QWK), figure(known.Exact), figure(known.WithinOne),
		figure(within), "",
	})
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
	t.AppendRow(table.Row{
		"all", "", "", figure(all.MicroPrecision), figure(all.MicroRecall), ranged(all.MicroF1, all.Intervals.MicroF1),
	})
	return t
}

func (e *evaluation) selectionTable() table.Writer {
	t := newTable("selection at", "in both", "by chance", "value")
	for _, budget := range slices.Sorted(maps.Keys(e.Overlap)) {
		t.AppendRow(table.Row{budget, figure(e.Overlap[budget]), figure(e.RandomOverlap[budget]),
			ranged(e.SelectionValue[budget], e.ValueIntervals[budget])})
	}
	return t
}

func (e *evaluation) sourceTable() table.Writer {
	t := newTable("source", "samples", "Spearman", "QW kappa", "exact", "within one", "styles' F1")
	for _, name := range slices.Sorted(maps.Keys(e.Sources)) {
		s := e.Sources[name]
		t.AppendRow(table.Row{
			name, s.Samples, figure(s.Spearman), figure(s.QWK), figure(s.Exact), figure(s.WithinOne), figure(s.MicroF1),
		})
	}
	return t
}
