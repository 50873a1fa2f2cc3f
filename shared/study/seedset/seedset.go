// Package seedset chooses the samples of a dataset that a person or a strong model should annotate, so that a scorer
// can be trained on few annotations. The set has samples of all sources and styles, and samples with high ratings of
// every capability, which are rare in most datasets. The choice needs a first estimate of ratings and styles, such as
// the embedded scorer's.
//
// One half of the set is drawn from strata. A stratum is a source and a main style. The number of samples from a
// stratum grows with the square root of the stratum's size. So small strata are represented, and large strata do not
// dominate. The other half is drawn from tiers. Each capability has three tiers: the best 2 %, the next 8 % and the
// next 20 % of the samples by expected score. The next sample is from the tier with the fewest samples in the set so
// far, and there from the source with the fewest samples. The seed decides between equal samples. As long as there are
// other samples, no image occurs twice, and no sample has a duplicate.
package seedset

import (
	"cmp"
	"slices"

	"github.com/harvest-ml/harvest/shared/selection"
)

// Choose chooses n samples of a pool, or all rated samples if there are fewer. It returns their positions in the pool,
// ascending. The same pool and n give the same set; the seed is in Pool.Tie.
func Choose(pool *selection.Pool, n int) []int {
	c := newChooser(pool, n)
	for _, c.strict = range []bool{true, false} {
		c.overStrata(c.left - c.left/2)
		c.overTiers(c.left)
		c.overStrata(c.left) // now only samples that are in no tier are left
	}
	return c.chosen()
}

// rated reports whether a sample has a rating of at least one capability. Failed and skipped samples have no rating.
func rated(pool *selection.Pool, i int) bool {
	return slices.ContainsFunc(pool.Ratings, func(column []int8) bool { return column[i] != selection.Missing })
}

// A chooser takes samples one by one.
type chooser struct {
	pool     *selection.Pool
	rated    []int // in random order
	taken    []bool
	left     int // number of samples still to take
	strict   bool
	images   map[uint32]bool   // images of the taken samples
	contents map[[16]byte]bool // content hashes of the taken samples
}

// newChooser returns a chooser that takes up to n of the rated samples of a pool.
func newChooser(pool *selection.Pool, n int) *chooser {
	c := &chooser{pool: pool, taken: make([]bool, pool.Len()), images: map[uint32]bool{}, contents: map[[16]byte]bool{}}
	for i := range pool.Len() {
		if rated(pool, i) {
			c.rated = append(c.rated, i)
		}
	}
	slices.SortFunc(c.rated, c.byTie)
	c.left = min(n, len(c.rated))
	return c
}

// chosen returns the positions of the samples that were taken, ascending.
func (c *chooser) chosen() []int {
	var chosen []int
	for i, taken := range c.taken {
		if taken {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func (c *chooser) byTie(a, b int) int {
	if c.pool.Tie == nil {
		return cmp.Compare(a, b)
	}
	return cmp.Or(cmp.Compare(c.pool.Tie[a], c.pool.Tie[b]), cmp.Compare(a, b))
}

// free reports whether a sample may be taken. If strict is set, its images and its content must not be in the set yet.
func (c *chooser) free(i int) bool {
	if c.taken[i] {
		return false
	}
	if !c.strict {
		return true
	}
	if c.pool.Twin != nil && c.contents[c.pool.Twin[i]] {
		return false
	}
	return !slices.ContainsFunc(c.imagesOf(i), func(image uint32) bool { return c.images[image] })
}

func (c *chooser) imagesOf(i int) []uint32 {
	if c.pool.ImageStart == nil {
		return nil
	}
	return c.pool.Image[c.pool.ImageStart[i]:c.pool.ImageStart[i+1]]
}

func (c *chooser) take(i int) {
	c.taken[i] = true
	c.left--
	for _, image := range c.imagesOf(i) {
		c.images[image] = true
	}
	if c.pool.Twin != nil && c.pool.Twin[i] != [16]byte{} {
		c.contents[c.pool.Twin[i]] = true
	}
}

// A queue has samples in the order in which they are taken.
type queue struct {
	waiting []int
	size    int // number of samples at the beginning
	taken   int // number of samples of the queue in the set
}

// next returns the first sample that is free; false if no sample is free.
func (q *queue) next(c *chooser) (int, bool) {
	for len(q.waiting) > 0 {
		if c.free(q.waiting[0]) {
			return q.waiting[0], true
		}
		q.waiting = q.waiting[1:] // never free again in this pass
	}
	return 0, false
}
