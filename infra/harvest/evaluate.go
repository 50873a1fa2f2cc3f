package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/spf13/cobra"
)

const (
	// resamples give intervals whose ends move by less than a hundredth with another seed.
	resamples = 1000
	// resampleSeed makes a report the same every time.
	resampleSeed = 1
)

// An evaluation is what evaluate tells: with --json, as this object.
type evaluation struct {
	*agreement.Report
	// Annotations is how many there are: those compared (samples), those absent and those failed.
	Annotations int `json:"annotations"`
	// Absent are ids of annotations without a sample.
	Absent []string `json:"absent"`
	// Failed counts the samples that could not be rated, by reason.
	Failed map[string]int64 `json:"failed"`
	// Scorer is the id of the scorer, or the file of the other annotations.
	Scorer string `json:"scorer"`
	Rubric string `json:"rubric"`
	// Run is the scoring of the annotated samples; none of a file of annotations.
	Run     string             `json:"run,omitempty"`
	Seconds map[string]float64 `json:"seconds"`

	capabilities, styles []string
}

func newEvaluate() *cobra.Command {
	var (
		flags          annotatedFlags
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
				return usageError{errors.New("--against: a file of annotations needs no --scorer; give one of the two")}
			}
			data, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			e := &evaluation{
				Annotations: len(data.annotations), Absent: []string{}, Failed: map[string]int64{}, Rubric: data.rubric.Hash(),
				Seconds: map[string]float64{}, capabilities: data.rubric.Capabilities, styles: data.rubric.Styles,
			}
			samples, absent, err := data.find()
			if err != nil {
				return err
			}
			e.Absent = append(e.Absent, absent...)
			var rated []agreement.Sample
			if against != "" {
				rated, err = e.rateFromFile(data, samples, against)
			} else {
				rated, err = e.rate(cmd.Context(), data, samples, scorer, state, out.quiet)
			}
			if err != nil {
				return err
			}
			begun := time.Now()
			e.Report, err = agreement.Measure(rated, agreement.Options{
				Capabilities: e.capabilities, Styles: e.styles, Resamples: resamples, Seed: resampleSeed,
			})
			if err != nil {
				return err
			}
			e.Seconds["measure"], e.Seconds["total"] = time.Since(begun).Seconds(), time.Since(start).Seconds()
			if out.json {
				return printJSON(cmd.OutOrStdout(), e)
			}
			return e.print(cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	out.add(cmd)
	scorer.add(cmd, "embedded")
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&against, "against", "", "instead of a scorer: a second file of annotations")
	return cmd
}

// rateFromFile takes other annotations for the ratings.
func (e *evaluation) rateFromFile(data *annotated, samples []found, name string) ([]agreement.Sample, error) {
	second, err := readAnnotations(name, data.rubric)
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
			e.Failed["not in "+name]++
			continue
		}
		rated = append(rated, agreement.Sample{
			ID: a.ID, Source: f.sample.Source, Annotated: opinion(f.annotation), Given: opinion(a),
		})
	}
	if len(rated) == 0 {
		return nil, fmt.Errorf("no sample is annotated in both files: the first of the %d of %s is %q; give annotations of the same samples", len(second), name, second[0].ID)
	}
	return rated, nil
}

// opinion is an annotation as what it is compared by. A missing score is a missing rating in both.
func opinion(a annotation.Annotation) agreement.Opinion {
	return agreement.Opinion{Ratings: a.Scores, Styles: a.Styles}
}

// rate rates the annotated samples in a run of their own, which is kept: what is rated once is not rated again.
func (e *evaluation) rate(ctx context.Context, data *annotated, samples []found, scorer scorerFlags, state string, quiet bool) ([]agreement.Sample, error) {
	show := newDisplay(quiet)
	defer show.close()
	scored, err := scoreAnnotated(ctx, data.input, samples, scorer, state, show, e.Seconds)
	if err != nil {
		return nil, err
	}
	e.Run, e.Scorer = scored.status.Run, scored.status.ScorerID
	for reason, n := range scored.status.Reasons {
		e.Failed[reason] = n
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
		return nil, fmt.Errorf("none of the %d annotated samples could be rated: %s", len(samples), reasons(e.Failed))
	}
	return rated, nil
}
