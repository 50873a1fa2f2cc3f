package training

import (
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// A level returns the label of a sample, a rating or a style, on the scale of the user's samples; NaN if it is missing.
type level func(s *Sample, isBase bool) float64

// scaleOf returns the level of a head for a variant.
func (a *addition) scaleOf(h int, v variant) level {
	capabilities := len(a.rubric.Capabilities)
	if h >= capabilities {
		style := a.rubric.Styles[h-capabilities]
		return func(s *Sample, _ bool) float64 {
			if slices.Contains(s.Styles, style) {
				return 1
			}
			return -1
		}
	}
	var mapped [scorer.MaxRating + 1]float64
	for rating := range mapped {
		mapped[rating] = float64(rating)
	}
	if v.mapped {
		mapped = a.mapOf(h)
	}
	return func(s *Sample, isBase bool) float64 {
		rating := s.Scores[h]
		switch {
		case rating == scorer.Missing:
			return math.NaN()
		case isBase:
			return mapped[rating]
		default:
			return float64(rating)
		}
	}
}

// identityShare is the weight of the identity in a map of ratings, as a number of samples.
const identityShare = 10

// mapOf maps the ratings of the base to the scale of the user's ratings. The map is monotone. It matches the quantiles
// of two ratings of the user's samples: the ratings by the base's weights, and the annotations. The fewer samples there
// are, the closer the map is to the identity.
func (a *addition) mapOf(capability int) (mapped [scorer.MaxRating + 1]float64) {
	var given, annotated []float64
	for i := range a.own {
		if rating := a.own[i].Scores[capability]; rating != scorer.Missing {
			value := a.predicted[a.own[i].Features][capability]
			given = append(given, math.Floor(a.builtin.Expected(capability, value)+0.5))
			annotated = append(annotated, float64(rating))
		}
	}
	slices.Sort(annotated)
	n := float64(len(given))
	known := func(rating int) (float64, bool) {
		below, equal := 0, 0
		for _, g := range given {
			if g < float64(rating) {
				below++
			} else if g == float64(rating) {
				equal++
			}
		}
		if equal == 0 {
			return 0, false
		}
		sum := 0.0
		for _, value := range annotated[below : below+equal] {
			sum += value
		}
		return sum / float64(equal), true
	}
	shift := 0.0
	for rating := range mapped {
		if value, ok := known(rating); ok {
			shift = value - float64(rating)
		}
		mapped[rating] = (n*(float64(rating)+shift) + identityShare*float64(rating)) / (n + identityShare)
		mapped[rating] = min(max(mapped[rating], 0), scorer.MaxRating)
		if rating > 0 {
			mapped[rating] = max(mapped[rating], mapped[rating-1])
		}
	}
	return mapped
}

// calibrate computes the cuts of ratings and the thresholds of styles as task.calibrate does. It uses the user's
// samples for which use returns true and, with the same total weight, the samples of the base. For a head that is
// trained only on the user's samples, it does not use the base.
func (a *addition) calibrate(values [][]float64, heads []int, use func(own int) bool) calibration {
	used := 0
	for i := range a.own {
		if use(i) {
			used++
		}
	}
	repeat := max(1, len(a.base.Samples)/max(used, 1))
	var c calibration
	for h, v := range heads {
		scale := a.scaleOf(h, variants()[v])
		var all []float64
		var counts [scorer.MaxRating + 1]int
		add := func(value, label float64, times int) {
			if math.IsNaN(label) {
				return
			}
			for range times {
				all = append(all, value)
			}
			counts[int(math.Round(max(label, 0)))] += times
		}
		for i := range a.own {
			if use(i) {
				add(values[i][h], scale(&a.own[i], false), repeat)
			}
		}
		if !variants()[v].alone {
			for i := range a.base.Samples {
				add(float64(a.base.Unseen[i][h]), scale(&a.base.Samples[i], true), 1)
			}
		}
		slices.Sort(all)
		if h < len(a.rubric.Capabilities) {
			c.cuts = append(c.cuts, cutsOf(all, counts))
		} else {
			c.thresholds = append(c.thresholds, float32(quantile(all, counts[0])/2))
		}
	}
	return c
}

// opinions returns the ratings and styles that the scorer would give to the user's samples. The samples of the other
// folds calibrate them.
func (a *addition) opinions(values [][]float64, heads []int) []agreement.Sample {
	t := a.task(nil)
	samples := make([]agreement.Sample, len(a.own))
	for fold := range ownFolds {
		c := a.calibrate(values, heads, func(i int) bool { return a.fold[i] != fold })
		for i := range a.own {
			if a.fold[i] == fold {
				samples[i] = t.opinions(&a.own[i], values[i], c)
			}
		}
	}
	return samples
}

// before returns the opinions of the base's weights on the user's samples.
func (a *addition) before() []agreement.Sample {
	t := a.task(nil)
	c := calibration{cuts: a.builtin.Cuts, thresholds: a.builtin.Thresholds}
	samples := make([]agreement.Sample, len(a.own))
	for i := range a.own {
		samples[i] = t.opinions(&a.own[i], a.predicted[a.own[i].Features], c)
	}
	return samples
}

// betterBy is the least difference, in the mean of Spearman and kappa, by which a variant must be better than the
// default to be chosen. If the user's ratings have their own scale, the variant must also be better by this difference
// than a variant that is the mean of two, because a mean has smaller errors than each of the two.
const betterBy = 0.015

// choose returns the variant of each head. It is the same for all heads, except for capabilities for which the base
// lowers the agreement. They are trained only on the user's samples.
func (a *addition) choose(left [][][]float64) ([]int, error) {
	t := a.task(nil)
	reports := make([]*agreement.Report, len(variants()))
	for v := range reports {
		heads := slices.Repeat([]int{v}, t.heads())
		var err error
		if reports[v], err = agreement.Measure(a.opinions(left[v], heads), t.options(1)); err != nil {
			return nil, err
		}
	}
	best := 0
	for v := range reports {
		if score(reports[v].Mean.Figures) > max(score(reports[best].Mean.Figures), score(reports[0].Mean.Figures)+betterBy) {
			best = v
		}
	}
	for v, kind := range variants() {
		unlike := variants()[best].mapped || variants()[best].alone // the base has another scale
		if kind.half && unlike && score(reports[v].Mean.Figures) > score(reports[best].Mean.Figures)-betterBy {
			best = v
		}
	}
	heads := slices.Repeat([]int{best}, t.heads())
	alone := len(reports) - 1
	for c, name := range a.rubric.Capabilities {
		with, without := reports[best].Capabilities[name], reports[alone].Capabilities[name]
		chance := 1 / math.Sqrt(float64(max(with.Compared, 1)))
		if score(without.Figures) > score(with.Figures)+2*chance {
			heads[c] = alone
		}
	}
	return heads, nil
}

// score returns the figure that compares variants: the mean of Spearman and kappa.
func score(f agreement.Figures) float64 { return (known(f.Spearman) + known(f.QWK)) / 2 }

// chosenValues returns the values that the chosen variant of each head predicted.
func chosenValues(left [][][]float64, heads []int) [][]float64 {
	values := make([][]float64, len(left[0]))
	for i := range values {
		values[i] = make([]float64, len(heads))
		for h, v := range heads {
			values[i][h] = left[v][i][h]
		}
	}
	return values
}
