// Package training trains the weights of the embedded scorer on annotated samples, in pure Go and in minutes. It solves
// a ridge regression for each capability and each style. The same samples give the same bytes.
//
// Two cross-validations choose the regularisation, and the values from which ratings are given. The cross-validation
// over images measures the agreement on new samples of known sources. The cross-validation over sources measures the
// agreement on new sources. A model that memorises sources is good in the first and bad in the second.
package training

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// A Sample is an annotated sample with its features.
type Sample struct {
	annotation.Annotation
	Source   string
	Images   []string // ids of images; samples that share an image are in one fold
	Features *embedded.Features
}

const (
	// Least is the least number of samples. With fewer, cross-validation is meaningless.
	Least = 60
	// Most is the largest number of samples that are used. Of more samples, this many are used, evenly spaced: the time
	// grows with the cube of the number.
	Most = 4000
)

// penalties are tried in cross-validation, in ascending order of regularisation.
var penalties = []float64{0.05, 0.1, 0.2, 0.4, 1}

// A Result has trained weights, and their agreement on samples that were held out.
type Result struct {
	Weights   *embedded.Weights
	Samples   int       // number of samples in the training
	Penalties []float64 // the regularisation chosen for each capability, then for each style
	// SeenSources is the agreement on samples whose images were held out. UnseenSources is the agreement on samples whose
	// whole source was held out; it is nil if all samples have the same source.
	SeenSources, UnseenSources *agreement.Report
	// Pools is the agreement on pools of a few unseen sources. It is nil if there are too few sources.
	Pools *agreement.Pools
	// Base is the training data, to which samples can be added.
	Base *Base
}

// Train trains weights on samples under a rubric. It calls progress, which may be nil, with the number of held-out
// samples that are predicted so far, and the total number.
func Train(ctx context.Context, samples []Sample, r *rubric.Rubric, progress func(done, total int)) (*Result, error) {
	if len(samples) < Least {
		return nil, fmt.Errorf("%d annotated samples are too few to learn from: annotate at least %d; 1,000 are better",
			len(samples), Least)
	}
	samples = subsample(samples, Most)
	if err := checkCoverage(samples, r); err != nil {
		return nil, err
	}
	t := &task{samples: samples, rubric: r}
	validations := []*crossValidation{t.byImage()}
	if bySource := t.bySource(); bySource != nil {
		validations = append(validations, bySource)
	}
	if err := t.validate(ctx, validations, progress); err != nil {
		return nil, err
	}
	chosen, err := t.choose(validations)
	if err != nil {
		return nil, err
	}
	result := &Result{Samples: len(samples), Penalties: chosen}
	for i, into := range []**agreement.Report{&result.SeenSources, &result.UnseenSources}[:len(validations)] {
		if *into, err = t.report(validations, validations[i], 0, reportResamples); err != nil {
			return nil, err
		}
	}
	if len(validations) > 1 {
		unseen := t.predicted(validations, validations[1], 0)
		if result.Pools, err = agreement.MeasurePools(unseen, t.options(reportResamples)); err != nil {
			return nil, err
		}
	}
	result.Base = t.base(chosen, validations[len(validations)-1])
	d, err := t.design(all(len(samples)))
	if err != nil {
		return nil, err
	}
	m, err := d.fit(chosen)
	if err != nil {
		return nil, err
	}
	result.Weights = m.weights(t.calibrate(validations, 0, func(int) bool { return true }))
	result.Weights.Reach = t.reach(validations, result.Pools)
	return result, ctx.Err()
}

// base returns the training data with the values that a validation predicted.
func (t *task) base(penalties []float64, unseen *crossValidation) *Base {
	b := &Base{
		Capabilities: t.rubric.Capabilities, Styles: t.rubric.Styles, Samples: t.samples, Penalties: penalties,
	}
	for _, values := range unseen.values[0] {
		row := make([]float32, len(values))
		for h, v := range values {
			row[h] = float32(v)
		}
		b.Unseen = append(b.Unseen, row)
	}
	return b
}

// subsample returns at most n samples, evenly spaced.
func subsample(samples []Sample, n int) []Sample {
	if len(samples) <= n {
		return samples
	}
	some := make([]Sample, n)
	for i := range some {
		some[i] = samples[i*len(samples)/n]
	}
	return some
}

// leastRated is the least number of samples with a rating, for each capability.
const leastRated = 20

// checkCoverage returns an error for capabilities with too few ratings. A style that no sample has is never predicted.
func checkCoverage(samples []Sample, r *rubric.Rubric) error {
	var faults []error
	for c, name := range r.Capabilities {
		rated := 0
		for i := range samples {
			if samples[i].Scores[c] != scorer.Missing {
				rated++
			}
		}
		if rated < leastRated {
			faults = append(faults, fmt.Errorf("capability %q: %d samples have a rating, but %d are needed: "+
				"annotate more samples, or remove the capability from the rubric", name, rated, leastRated))
		}
	}
	return errors.Join(faults...)
}

func all(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}
