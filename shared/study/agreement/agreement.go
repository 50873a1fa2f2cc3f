// Package agreement measures the agreement of a rater with annotations: on ratings by capability, on styles, on the
// order within sources, and on the selections that follow from the ratings of both. Its results depend only on its
// arguments.
//
// Every figure is computed from the samples with weights. With the weight 1 for all samples, it is the figure itself.
// For a bootstrap resample, the weight of a sample is the number of times that it was drawn. For one source, the weight
// is 1 for the samples of the source and 0 for the others.
package agreement

import (
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// An Opinion has one rater's ratings and styles of one sample.
type Opinion struct {
	// Ratings has a rating in [0, scorer.MaxRating], or scorer.Missing, for each capability.
	Ratings []int8
	// Expected has the expected score for each capability; expected scores of missing ratings are ignored. If it is nil,
	// the ratings are used as scores.
	Expected []float64
	// Styles are the sample's styles, the main one first.
	Styles []string
}

// A Sample has two opinions on one sample: the annotation, and the opinion of the rater.
type Sample struct {
	ID, Source       string
	Annotated, Given Opinion
}

// Options are the rubric of the opinions, and the settings of the bootstrap.
type Options struct {
	// Capabilities and Styles are the capabilities and styles of the rubric.
	Capabilities, Styles []string
	// Resamples is the number of bootstrap resamples; 1,000 are enough.
	Resamples int
	// Seed determines the resamples. The same samples, options and seed give the same report.
	Seed uint64
}

// LeastOfSource is the least number of samples of a source whose order is measured.
const LeastOfSource = 20

// Ratios are the budgets of the selections that are compared.
var Ratios = []float64{0.1, 0.3}

// Measure compares the opinions on each sample, and returns a report. It returns an error if an opinion contradicts the
// options.
func Measure(samples []Sample, o Options) (*Report, error) {
	for i := range samples {
		for _, opinion := range []Opinion{samples[i].Annotated, samples[i].Given} {
			if err := opinion.check(o); err != nil {
				return nil, fmt.Errorf("measuring agreement: sample %s: %w", spelling.Shown(samples[i].ID), err)
			}
		}
	}
	t := newTable(samples, o)
	r := t.report(t.bootstrap(o.Resamples, o.Seed))
	r.SourceMean = sourceMean(samples, o)
	if err := r.compareSelections(samples, o); err != nil {
		return nil, fmt.Errorf("comparing selections: %w", err)
	}
	return r, nil
}

func (p Opinion) check(o Options) error {
	if len(p.Ratings) != len(o.Capabilities) || p.Expected != nil && len(p.Expected) != len(o.Capabilities) {
		return fmt.Errorf("%d ratings and %d expected scores for %d capabilities",
			len(p.Ratings), len(p.Expected), len(o.Capabilities))
	}
	for c, rating := range p.Ratings {
		if rating != scorer.Missing && (rating < 0 || rating >= levels) {
			return fmt.Errorf("rating %d for %s; ratings are 0 to %d", rating, o.Capabilities[c], levels-1)
		}
	}
	for _, style := range p.Styles {
		if !slices.Contains(o.Styles, style) {
			return fmt.Errorf("style %q is not in the rubric", style)
		}
	}
	return nil
}
