package agreement

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// ranking is a column of values of which only the order matters. Each value is replaced by its level: the number of
// different smaller values. Then ranks can be computed by counting, for any weights.
type ranking struct {
	level []int
	n     int
}

func newRanking(values []float64) ranking {
	distinct := slices.Compact(slices.Sorted(slices.Values(values)))
	l := ranking{level: make([]int, len(values)), n: len(distinct)}
	for i, v := range values {
		l.level[i], _ = slices.BinarySearch(distinct, v)
	}
	return l
}

// ranks gives every sample the mean rank, from 1, of the samples of its level. Weights say how often each sample
// counts; the rank of a sample of weight 0 has no meaning.
func (l ranking) ranks(weights []float64) []float64 {
	taken := make([]float64, l.n)
	for i, level := range l.level {
		taken[level] += weights[i]
	}
	below := 0.0
	for level, n := range taken {
		taken[level] = below + (n+1)/2
		below += n
	}
	ranks := make([]float64, len(l.level))
	for i, level := range l.level {
		ranks[i] = taken[level]
	}
	return ranks
}

// of is the column of some of the samples.
func (l ranking) of(samples []int) ranking {
	return ranking{level: pick(l.level, samples), n: l.n}
}

func pick[E any](all []E, samples []int) []E {
	some := make([]E, len(samples))
	for i, s := range samples {
		some[i] = all[s]
	}
	return some
}

// varies says whether the samples with a weight above 0 have more than one level.
func (l ranking) varies(weights []float64) bool {
	first := -1
	for i, level := range l.level {
		if weights[i] > 0 {
			if first >= 0 && level != first {
				return true
			}
			first = level
		}
	}
	return false
}

// Spearman is Spearman's rank correlation, in [-1, 1], of two columns of as many values; false where one does not vary.
func Spearman(a, b []float64) (rho float64, varies bool) {
	weights := make([]float64, len(a))
	for i := range weights {
		weights[i] = 1
	}
	x, y := newRanking(a), newRanking(b)
	if !x.varies(weights) || !y.varies(weights) {
		return 0, false
	}
	return stat.Correlation(x.ranks(weights), y.ranks(weights), weights), true
}

// spearman is Spearman's rank correlation: NaN where truth does not vary, 0 where guess does not.
func spearman(truth, guess ranking, weights []float64) float64 {
	switch {
	case !truth.varies(weights):
		return math.NaN()
	case !guess.varies(weights):
		return 0
	}
	return stat.Correlation(truth.ranks(weights), guess.ranks(weights), weights)
}

// withinGroups correlates the ranks that samples have within their group, centred and divided by the
// group's size, over the groups in which truth varies: NaN where there is none, 0 where guess varies in none of
// them.
func withinGroups(truth, guess ranking, weights []float64, groups [][]int) float64 {
	var xy, xx, yy float64
	for _, group := range groups {
		t, g, w := truth.of(group), guess.of(group), pick(weights, group)
		if !t.varies(w) {
			continue
		}
		size := 0.0
		for _, weight := range w {
			size += weight
		}
		x, y := t.ranks(w), g.ranks(w)
		for i, weight := range w {
			dx, dy := (x[i]-(size+1)/2)/size, (y[i]-(size+1)/2)/size
			xy, xx, yy = xy+weight*dx*dy, xx+weight*dx*dx, yy+weight*dy*dy
		}
	}
	switch {
	case xx == 0:
		return math.NaN()
	case yy == 0:
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
