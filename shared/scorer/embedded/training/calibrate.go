package training

import (
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

const (
	reportResamples = 200
	reportSeed      = 1
)

// choose returns, for each head, the penalty whose predictions agree best with the annotations in all validations. It
// also copies the values of these penalties to index 0 of the validations.
func (t *task) choose(validations []*crossValidation) ([]float64, error) {
	scores := make([][]float64, len(penalties)) // by penalty and head
	for k := range penalties {
		scores[k] = make([]float64, t.heads())
		for _, p := range validations {
			r, err := t.report(validations, p, k, 1)
			if err != nil {
				return nil, err
			}
			for c, name := range t.rubric.Capabilities {
				scores[k][c] += known(r.Capabilities[name].Spearman) + known(r.Capabilities[name].QWK)
			}
			for s, name := range t.rubric.Styles {
				scores[k][len(t.rubric.Capabilities)+s] += known(r.Styles.Styles[name].F1)
			}
		}
	}
	chosen := make([]float64, t.heads())
	for h := range chosen {
		best := 0
		for k := range penalties {
			if scores[k][h] > scores[best][h] {
				best = k
			}
		}
		chosen[h] = penalties[best]
		for _, p := range validations {
			for i := range t.samples {
				p.values[0][i][h] = p.values[best][i][h]
			}
		}
	}
	return chosen, nil
}

// known returns a figure, or 0 if it is not defined.
func known(v agreement.Value) float64 {
	if math.IsNaN(float64(v)) {
		return 0
	}
	return float64(v)
}

// leastStep is the least distance between cuts.
const leastStep = 0.05

// A calibration has the values of the heads from which ratings and styles are given.
type calibration struct {
	cuts       [][5]float32
	thresholds []float32
}

// seenShare is the weight of the cross-validation over images in a calibration. The cross-validation over sources has
// weight 1. Predicted values of unseen sources are closer together. Cuts from only these values would lower the
// agreement on seen sources more than they raise the agreement on unseen sources.
const seenShare = 2

// calibrate computes the cuts of ratings and the thresholds of styles from predictions for held-out samples. With these
// cuts, each rating is as frequent as in the annotations. The quadratic-weighted kappa is then almost the best, and
// with few samples it is better than if the cuts were optimised for kappa. The threshold of a style is half of such a
// cut. At a value of 0, a style has a probability of about 1/2. So common styles need no correction, and rare styles
// are given only if they are likely. Only samples for which use returns true count.
func (t *task) calibrate(validations []*crossValidation, penalty int, use func(sample int) bool) calibration {
	var c calibration
	for h := range t.heads() {
		var values []float64
		var counts [6]int
		for k, p := range validations {
			for i := range t.samples {
				score := t.label(h, &t.samples[i])
				if score == scorer.Missing || !use(i) {
					continue
				}
				for range []int{seenShare, 1}[k] {
					values = append(values, p.values[penalty][i][h])
					counts[score]++
				}
			}
		}
		slices.Sort(values)
		if h < len(t.rubric.Capabilities) {
			c.cuts = append(c.cuts, cutsOf(values, counts))
		} else {
			c.thresholds = append(c.thresholds, float32(quantile(values, counts[0])/2))
		}
	}
	return c
}

// label returns the sample's rating on a capability or, for a style, 1 if the sample has it and else 0.
func (t *task) label(head int, s *Sample) int8 {
	capabilities := len(t.rubric.Capabilities)
	if head < capabilities {
		return s.Scores[head]
	}
	if slices.Contains(s.Styles, t.rubric.Styles[head-capabilities]) {
		return 1
	}
	return 0
}

func cutsOf(values []float64, counts [6]int) [5]float32 {
	var cuts [5]float32
	below := 0
	for k := range cuts {
		below += counts[k]
		cuts[k] = float32(quantile(values, below))
		if k > 0 {
			cuts[k] = max(cuts[k], cuts[k-1]+leastStep)
		}
	}
	return cuts
}

// quantile returns a value between the first n of the sorted values and the other values.
func quantile(values []float64, n int) float64 {
	switch {
	case len(values) == 0:
		return 0
	case n == 0:
		return values[0] - 1
	case n >= len(values):
		return values[len(values)-1] + 1
	}
	return (values[n-1] + values[n]) / 2
}

// report measures the agreement of a validation's predictions with the annotations.
func (t *task) report(
	validations []*crossValidation, p *crossValidation, penalty, resamples int,
) (*agreement.Report, error) {
	return agreement.Measure(t.predicted(validations, p, penalty), t.options(resamples))
}

func (t *task) options(resamples int) agreement.Options {
	return agreement.Options{
		Capabilities: t.rubric.Capabilities, Styles: t.rubric.Styles, Resamples: resamples, Seed: reportSeed,
	}
}

// predicted returns the ratings and styles that follow from a validation's predictions. The samples of the other folds
// calibrate them.
func (t *task) predicted(validations []*crossValidation, p *crossValidation, penalty int) []agreement.Sample {
	samples := make([]agreement.Sample, len(t.samples))
	for fold := range p.folds {
		c := t.calibrate(validations, penalty, func(i int) bool { return p.fold[i] != fold })
		for i := range t.samples {
			if p.fold[i] == fold {
				samples[i] = t.opinions(&t.samples[i], p.values[penalty][i], c)
			}
		}
	}
	return samples
}

func (t *task) opinions(s *Sample, values []float64, c calibration) agreement.Sample {
	h := embedded.Header{Cuts: c.cuts}
	given := agreement.Opinion{}
	for i := range t.rubric.Capabilities {
		expected := h.Expected(i, values[i])
		given.Expected = append(given.Expected, expected)
		given.Ratings = append(given.Ratings, int8(expected+0.5))
	}
	for i, name := range t.rubric.Styles {
		if values[len(t.rubric.Capabilities)+i] > float64(c.thresholds[i]) {
			given.Styles = append(given.Styles, name)
		}
	}
	annotated := agreement.Opinion{Ratings: s.Scores, Styles: s.Styles}
	return agreement.Sample{ID: s.ID, Source: s.Source, Annotated: annotated, Given: given}
}
