package agreement

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// A ranking is a column of values whose order matters, but not their size. It stores the level of each value, which is
// the number of different smaller values. So the ranks for any weights can be computed by counting.
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

// ranks returns the rank of each sample, from 1 on. Samples of one level have the mean of their ranks. A sample counts
// as many times as its weight. The rank of a sample with the weight 0 has no meaning.
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

// of returns the ranking of only these samples.
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

// varies reports whether the samples with a weight above 0 have more than one level.
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

// Spearman returns Spearman's rank correlation, in [-1, 1], of two columns of equal length. varies is false if all
// values of a column are equal.
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

// spearman returns Spearman's rank correlation: NaN if truth does not vary, otherwise 0 if guess does not vary.
func spearman(truth, guess ranking, weights []float64) float64 {
	switch {
	case !truth.varies(weights):
		return math.NaN()
	case !guess.varies(weights):
		return 0
	}
	return stat.Correlation(truth.ranks(weights), guess.ranks(weights), weights)
}

// withinGroups returns the correlation of the ranks that samples have within their groups. Ranks are centred and
// divided by the size of the group. Only groups in which truth varies count. The result is NaN if there are no such
// groups, and 0 if guess does not vary in any of them.
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
