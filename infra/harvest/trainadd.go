package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
)

// trainOn trains on the samples of the set and on the training data of the embedded weights, and writes the weights. If
// the set has another rubric than the embedded weights, it trains only on the set.
func (set *annotationSet) trainOn(ctx context.Context, files trainFiles, show *display) (*trainReport, error) {
	if set.rubric.Hash() != rubric.Default().Hash() {
		fmt.Fprintf(show.notes(), "note: the embedded weights belong to another rubric than %s, so only the annotations "+
			"are used\n", set.Rubric)
		return set.train(ctx, files, show)
	}
	base, err := training.Builtin()
	if err != nil {
		return nil, err
	}
	weights, err := embedded.DefaultWeights()
	if err != nil {
		return nil, err
	}
	own, err := set.learnable(ctx, show)
	if err != nil {
		return nil, err
	}
	added, err := training.Add(ctx, base, weights, own, set.rubric)
	if err == nil && !files.accept {
		err = added.Useful()
	}
	if errors.Is(err, training.ErrUseless) {
		return nil, fmt.Errorf("annotations %s: %w", files.annotations, err)
	} else if err != nil {
		return nil, err
	}
	unlock, err := files.lock(ctx, show)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return set.writeTrained(files, "--add", added.Weights, added.Origin(base, set.rubric, time.Now()))
}

// learnedFrom says on which samples the weights were trained.
func (t *trainReport) learnedFrom() string {
	switch own := t.Added.Own; {
	case t.Added.Unused:
		return fmt.Sprintf("Weights trained on the %s of the embedded weights", number(t.Samples, "sample"))
	case t.Samples == own:
		return fmt.Sprintf("Weights trained on your %s", number(own, "sample"))
	default:
		return fmt.Sprintf("Weights trained on your %s and %s of the embedded weights", number(own, "sample"),
			separated(t.Samples-own))
	}
}

// printAdded prints the agreement of the new weights with the user's samples in cross-validation, compared with the
// embedded weights.
func (t *trainReport) printAdded(w io.Writer, file string) error {
	rows := newTable(number(t.Added.Own, "sample")+" of your own", "Spearman", "before", "QW kappa", "before", "n")
	row := func(name string, now, before training.Figures) {
		rows.AppendRow(table.Row{
			name, figure(now.Spearman), figure(before.Spearman), figure(now.QWK), figure(before.QWK), now.Samples,
		})
	}
	left, before := t.Added.LeftOut, t.Added.Before
	for _, name := range t.capabilities {
		row(name, left.Capabilities[name], before.Capabilities[name])
	}
	rows.AppendSeparator()
	row("mean", left.Mean, before.Mean)
	one := func(name string, now, before agreement.Value) {
		rows.AppendRow(table.Row{name, figure(now), figure(before), "", "", ""})
	}
	one("within source", left.Mean.WithinSource, before.Mean.WithinSource)
	one("styles: F1", left.MicroF1, before.MicroF1)
	about := "How the samples were combined: " + t.Added.Variant + "."
	if len(t.Added.Alone) > 0 {
		about += " Only your samples are used for " + strings.Join(t.Added.Alone, ", ") + "."
	}
	of := "samples of your own"
	if n := left.Mean.Samples; n < t.Added.Own {
		of = fmt.Sprintf("%s of your samples, evenly spaced", separated(n))
	}
	text := fmt.Sprintf("Agreement with %s, leaving one out: the weights that rate a sample were trained without the "+
		"sample and its images. Before: agreement of the embedded weights.\n%s\n"+
		"%s: %s (%d bytes). Use them with:\n",
		of, about, t.learnedFrom(), file, t.Weights.Bytes)
	_, err := fmt.Fprintf(w, "\n%s\n\n%s  --scorer embedded:%s\n", rows.Render(), foldedLines(text), file)
	return err
}
