package agreement

import (
	"math"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// levels is the number of possible ratings.
const levels = scorer.MaxRating + 1

// A confusion has the number of samples for each pair of annotated and given rating.
type confusion [levels][levels]float64

func newConfusion(annotated, given []int8, weights []float64) *confusion {
	var c confusion
	for i, weight := range weights {
		if weight > 0 {
			c[annotated[i]][given[i]] += weight
		}
	}
	return &c
}

// figures returns the quadratic-weighted kappa (Cohen 1968, Psychological Bulletin 70(4)), the share of equal ratings,
// and the share of ratings that differ by at most 1. All three are NaN if there are no samples. Kappa is NaN if all
// annotated ratings are equal.
func (c *confusion) figures() (kappa, exact, near float64) {
	var rows, columns [levels]float64
	total := 0.0
	for a := range levels {
		for g := range levels {
			n := c[a][g]
			rows[a], columns[g], total = rows[a]+n, columns[g]+n, total+n
			switch {
			case a == g:
				exact, near = exact+n, near+n
			case a-g == 1 || g-a == 1:
				near += n
			}
		}
	}
	observed, expected := 0.0, 0.0
	varied := 0
	for a := range levels {
		if rows[a] > 0 {
			varied++
		}
		for g := range levels {
			distance := float64((a - g) * (a - g))
			observed += distance * c[a][g]
			expected += distance * rows[a] * columns[g] / total
		}
	}
	kappa = math.NaN()
	if varied > 1 {
		kappa = 1 - observed/expected
	}
	return kappa, exact / total, near / total
}

// styleCounts has numbers of samples: those for which the annotator names a style, those for which the rater names it,
// and those for which both name it.
type styleCounts struct{ both, annotated, given float64 }

func (l *label) counts(weights []float64) styleCounts {
	var t styleCounts
	for i, weight := range weights {
		if l.annotated[i] {
			t.annotated += weight
		}
		if l.given[i] {
			t.given += weight
		}
		if l.annotated[i] && l.given[i] {
			t.both += weight
		}
	}
	return t
}

// figures returns precision, recall and F1; 0/0 is NaN.
func (t styleCounts) figures() []float64 {
	return []float64{t.both / t.given, t.both / t.annotated, 2 * t.both / (t.annotated + t.given)}
}
