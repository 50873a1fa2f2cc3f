// Package training learns the weights of the embedded scorer from annotated samples, in pure Go and minutes: a ridge
// regression for each capability and each style. The same samples give the same bytes.
//
// What regularisation is best, and where a rating begins, is found by two cross-validations of equal weight: over
// images, which measures new samples of known sources, and over sources, which measures a dataset that is all new. A
// model that memorises sources does well at the first and badly at the second.
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

// A Sample is an annotated sample, as training sees it.
type Sample struct {
	annotation.Annotation
	Source   string
	Images   []string // identities of images: samples that share one are never on two sides of a fold
	Features *embedded.Features
}

const (
	// Least is how few samples can be learned from: with fewer, cross-validation means nothing.
	Least = 60
	// Most is how many samples are learned from; of more, as many at even distances. The time grows with the cube of
	// the number.
	Most = 4000
)

// penalties are tried in cross-validation, from the least regularisation to the most.
var penalties = []float64{0.05, 0.1, 0.2, 0.4, 1}

// A Result is trained weights and how they did on samples that they had not seen.
type Result struct {
	Weights   *embedded.Weights
	Samples   int       // learned from
	Penalties []float64 // the regularisation chosen for each capability, then for each style
	// SeenSources is the agreement on samples whose images, but not sources, were unseen; UnseenSources that on
	// samples whose sources were unseen. UnseenSources is nil if all samples are of one source.
	SeenSources, UnseenSources *agreement.Report
	// Pools is the agreement on pools of a few unseen sources; nil if the samples are of no more than that.
	Pools *agreement.Pools
	// Base is what was learned from, to which samples can be added.
	Base *Base
}

// Train learns from samples under a rubric. The progress function, which may be nil, gets how many samples were
// predicted without having been seen, of all that will be.
func Train(ctx context.Context, samples []Sample, r *rubric.Rubric, progress func(done, total int)) (*Result, error) {
	if len(samples) < Least {
		return nil, fmt.Errorf("%d annotated samples are too few to learn from: annotate at least %d, and better 1,000",
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

// base is what was learned from, with the values that a validation predicted.
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

// subsample takes at most n samples at even distances.
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

// leastRated is how many samples must have a rating of a capability.
const leastRated = 20

// checkCoverage refuses annotations that say too little of a capability. A style that no sample has is never given.
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
			faults = append(faults, fmt.Errorf("capability %q: %d samples have a rating of it, and %d are needed: "+
				"annotate more, or leave it out of the rubric", name, rated, leastRated))
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
