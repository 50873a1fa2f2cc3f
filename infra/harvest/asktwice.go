package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
	"go.yaml.in/yaml/v3"
)

const (
	// askedTwice is the number of samples that a teacher rates twice before it rates the others.
	askedTwice = 20
	// leastKappa is the minimum mean kappa between a teacher's first and second ratings.
	leastKappa = 0.4
	// selfResamples is the number of bootstrap resamples for the confidence intervals of these kappas.
	selfResamples = 1000
)

// asked reports whether the i-th of the chosen samples is rated twice. The samples that are rated twice are spaced
// evenly.
func asked(i, chosen, twice int) bool { return twice > 0 && i*twice%chosen < twice }

// askTwice rates some of the chosen samples twice, the second time with capabilities and styles in the opposite order.
// It measures the agreement of both ratings. If the agreement is too low, it returns a *disagreement, unless the
// request accepts this. The ratings in the usual order are kept in a run, so the scorer does not rate these samples a
// third time.
func (in input) askTwice(
	ctx context.Context, chosen []datasetSample, request annotateRequest, state string, show *display,
) (*agreement.Report, error) {
	var some []datasetSample
	for i, one := range chosen {
		if asked(i, len(chosen), request.twice) {
			some = append(some, one)
		}
	}
	start := time.Now()
	first, err := in.rateSome(ctx, some, request, state, show)
	if err != nil {
		return nil, err
	}
	file, err := reversedRubric(first.Rubric, state)
	if err != nil {
		return nil, err
	}
	reversed, err := in.withRubric(file)
	if err != nil {
		return nil, err
	}
	second, err := reversed.rateSome(ctx, some, request, state, show)
	if err != nil {
		return nil, err
	}
	both, err := bothOpinions(some, first, second)
	if err != nil {
		return nil, err
	}
	r, err := agreement.Measure(both, agreement.Options{
		Capabilities: first.Rubric.Capabilities, Styles: first.Rubric.Styles, Resamples: selfResamples, Seed: 1,
	})
	if err != nil {
		return nil, err
	}
	each := time.Since(start) / time.Duration(2*len(some))
	others := each * time.Duration(len(chosen)-len(some))
	if err := printSelfAgreement(show.notes(), r, first.Rubric.Capabilities, others); err != nil {
		return nil, err
	}
	if kappa := float64(r.Mean.QWK); !(kappa >= leastKappa) && !request.accept {
		return nil, &disagreement{r}
	}
	return r, nil
}

// A disagreement is the error of a scorer whose two ratings of the same samples differ too much.
type disagreement struct{ report *agreement.Report }

func (d *disagreement) Error() string {
	r := d.report
	found := fmt.Sprintf("their mean kappa is %.2f (%.2f to %.2f)",
		float64(r.Mean.QWK), float64(r.Mean.Intervals.QWK[0]), float64(r.Mean.Intervals.QWK[1]))
	if math.IsNaN(float64(r.Mean.QWK)) {
		found = "their kappa is not defined, because each capability has the same rating for all samples"
	}
	return fmt.Sprintf("%d samples were rated twice, the second time with capabilities and styles in the opposite "+
		"order: %s, and %.2f is needed; no other sample was rated; choose a stronger model, or "+
		"continue with --accept-teacher",
		r.Samples, found, leastKappa)
}

// rateSome rates one or more samples in a separate run.
func (in input) rateSome(
	ctx context.Context, some []datasetSample, request annotateRequest, state string, show *display,
) (*sampleRun, error) {
	s, err := in.planSamples(ctx, some, request.by, state, show)
	if err != nil {
		return nil, err
	}
	if err := s.rate(ctx, show, map[string]float64{}, nil); err != nil {
		return nil, err
	}
	if s.status.Samples.Scored == 0 {
		return nil, s.unrated("chosen")
	}
	return s, nil
}

// reversedRubric writes a copy of a rubric to a file, with capabilities and styles in the opposite order. It returns
// the name of the file. The questions are the same.
func reversedRubric(r *rubric.Rubric, state string) (string, error) {
	reversed := *r
	reversed.Name = cmp.Or(r.Name, "rubric") + ", in the opposite order"
	reversed.Capabilities, reversed.Styles = slices.Clone(r.Capabilities), slices.Clone(r.Styles)
	slices.Reverse(reversed.Capabilities)
	slices.Reverse(reversed.Styles)
	content, err := yaml.Marshal(reversed)
	if err != nil {
		return "", fmt.Errorf("writing a rubric in the opposite order: %w", err)
	}
	folder, err := taughtFolder(state)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "opposite-"+r.Hash()+".yaml")
	if there, err := os.ReadFile(file); err == nil && string(there) == string(content) {
		return file, nil
	}
	return file, renameio.WriteFile(file, content, 0o644)
}

// bothOpinions returns the opinions of two runs on the samples that both runs could rate. Ratings are in the order of
// the first run's rubric.
func bothOpinions(some []datasetSample, first, second *sampleRun) (both []agreement.Sample, err error) {
	for i, one := range some {
		before, known := first.opinion(i)
		after, knownToo := second.opinion(i)
		if !known || !knownToo {
			continue
		}
		same := agreement.Opinion{Styles: after.Styles}
		for _, name := range first.Rubric.Capabilities {
			at := slices.Index(second.Rubric.Capabilities, name)
			same.Ratings = append(same.Ratings, after.Ratings[at])
		}
		before.Expected = nil // ratings are compared
		both = append(both, agreement.Sample{
			ID: one.annotation.ID, Source: one.sample.Source, Annotated: before, Given: same,
		})
	}
	if len(both) == 0 {
		return nil, first.unrated("chosen")
	}
	return both, nil
}

// printSelfAgreement prints the agreement of a scorer with itself, and the expected time for the other samples.
func printSelfAgreement(w io.Writer, r *agreement.Report, capabilities []string, others time.Duration) error {
	t := newTable("asked twice", "kappa", "95 %", "n")
	row := func(name string, a agreement.Agreement, n int) {
		between := "-"
		if !math.IsNaN(float64(a.QWK)) {
			between = figure(a.Intervals.QWK[0]) + " to " + figure(a.Intervals.QWK[1])
		}
		t.AppendRow(table.Row{name, figure(a.QWK), between, n})
	}
	for _, name := range capabilities {
		row(name, r.Capabilities[name].Agreement, r.Capabilities[name].Compared)
	}
	t.AppendSeparator()
	row("mean", r.Mean, r.Samples)
	text := fmt.Sprintf("Agreement of the two ratings of each sample. The second rating had capabilities and styles in "+
		"the opposite order. \"-\" means that all ratings are equal. The other samples take about %s.",
		others.Round(time.Second))
	_, err := fmt.Fprintf(w, "%s\n%s\n", t.Render(), folded(text, ""))
	return err
}
