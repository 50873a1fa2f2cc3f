package training

import (
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/agreement"
	"github.com/harvest-ml/harvest/shared/annotation"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

const (
	reportResamples = 200
	reportSeed      = 1
)

// choose finds the penalty whose predictions agree best with the annotations, over all plans.
func (t *task) choose(plans []*plan) (best int, err error) {
	highest := math.Inf(-1)
	for k := range penalties {
		cuts, thresholds := t.calibrate(plans, k)
		sum := 0.0
		for _, p := range plans {
			r, err := t.report(p.values[k], cuts, thresholds, 1)
			if err != nil {
				return 0, err
			}
			for _, v := range []agreement.Value{r.Mean.Spearman, r.Mean.QWK, r.Styles.MicroF1} {
				if !math.IsNaN(float64(v)) {
					sum += float64(v)
				}
			}
		}
		if sum > highest {
			highest, best = sum, k
		}
	}
	return best, nil
}

// leastStep keeps cuts apart.
const leastStep = 0.05

// calibrate finds where ratings and styles begin, from predictions of samples that were not seen: so that each
// rating and each style is given as often as the annotator gave it, which is close to the best quadratic-weighted kappa
// and robust with few samples.
func (t *task) calibrate(plans []*plan, penalty int) (cuts [][5]float32, thresholds []float32) {
	capabilities := len(t.rubric.Capabilities)
	for h := range t.heads() {
		var values []float64
		var counts [6]int
		for _, p := range plans {
			for i := range t.samples {
				score := t.label(h, &t.samples[i])
				if score == annotation.Missing {
					continue
				}
				values = append(values, p.values[penalty][i][h])
				counts[score]++
			}
		}
		slices.Sort(values)
		if h >= capabilities {
			thresholds = append(thresholds, float32(quantile(values, counts[0])))
			continue
		}
		cuts = append(cuts, cutsOf(values, counts))
	}
	return cuts, thresholds
}

// label is the sample's rating, or 1 for a style that it has.
func (t *task) label(head int, s *Sample) int {
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

// quantile lies between the first n values and the others.
func quantile(values []float64, n int) float64 {
	switch {
	case n == 0:
		return values[0] - 1
	case n >= len(values):
		return values[len(values)-1] + 1
	}
	return (values[n-1] + values[n]) / 2
}

// report measures predictions as the scorer would turn them into ratings and styles.
func (t *task) report(values [][]float64, cuts [][5]float32, thresholds []float32, resamples int) (*agreement.Report, error) {
	h := embedded.Header{Cuts: cuts}
	samples := make([]agreement.Sample, len(t.samples))
	for i := range t.samples {
		s := &t.samples[i]
		given := agreement.Opinion{}
		for c := range t.rubric.Capabilities {
			expected := h.Expected(c, values[i][c])
			given.Expected = append(given.Expected, expected)
			given.Ratings = append(given.Ratings, int(expected+0.5))
		}
		for k, name := range t.rubric.Styles {
			if values[i][len(t.rubric.Capabilities)+k] > float64(thresholds[k]) {
				given.Styles = append(given.Styles, name)
			}
		}
		samples[i] = agreement.Sample{ID: s.ID, Source: s.Source, Annotated: agreement.Opinion{Ratings: s.Scores, Styles: s.Styles}, Given: given}
	}
	return agreement.Measure(samples, agreement.Options{
		Capabilities: t.rubric.Capabilities, Styles: t.rubric.Styles, Resamples: resamples, Seed: reportSeed,
	})
}
