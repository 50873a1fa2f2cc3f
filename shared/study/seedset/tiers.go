package seedset

import (
	"cmp"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// shares has the share of a pool in each tier of a capability, the best tier first. The other samples need no tier,
// because the strata have many of them.
var shares = []float64{0.02, 0.08, 0.20}

// A tier is a range of the samples in the order of one capability's expected scores.
type tier struct {
	of       map[uint32]*queue // samples that are not taken, by source
	sources  []uint32          // ascending
	taken    int
	bySource map[uint32]int // number of taken samples, by source
}

// A tierList has the tiers of one capability.
type tierList struct {
	tiers []*tier
	place []uint8 // tier of each sample of the pool: 1 is the best, 0 means that the sample is in no tier
}

// overTiers takes up to n samples, the same number from each tier. From a tier with fewer samples, it takes all
// samples.
func (c *chooser) overTiers(n int) {
	tierLists := c.tierLists()
	for ; n > 0 && c.left > 0; n-- {
		var least *tier
		next := 0
		for _, l := range tierLists {
			for _, t := range l.tiers {
				if least != nil && t.taken >= least.taken {
					continue
				}
				if i, ok := t.next(c); ok {
					least, next = t, i
				}
			}
		}
		if least == nil {
			return
		}
		c.take(next)
		for _, l := range tierLists {
			l.countTaken(next, c.pool.Source[next])
		}
	}
}

// next returns a free sample of the tier, from the source with the fewest taken samples; false if no sample is free.
func (t *tier) next(c *chooser) (int, bool) {
	found, at, fewest := false, 0, 0
	for _, source := range t.sources {
		if found && t.bySource[source] >= fewest {
			continue
		}
		if i, ok := t.of[source].next(c); ok {
			found, at, fewest = true, i, t.bySource[source]
		}
	}
	return at, found
}

// countTaken counts a taken sample in its tier.
func (l *tierList) countTaken(i int, source uint32) {
	if place := l.place[i]; place > 0 {
		t := l.tiers[place-1]
		t.taken++
		t.bySource[source]++
	}
}

// tierLists divides the rated samples into tiers for each capability. Samples with an expected score of 0 are in no
// tier.
func (c *chooser) tierLists() []*tierList {
	var all []*tierList
	for capability := range c.pool.Capabilities {
		score := func(i int) int { return c.score(capability, i) }
		order := slices.DeleteFunc(slices.Clone(c.rated), func(i int) bool { return score(i) <= 0 })
		// A stable sort keeps the random order of c.rated among equal samples.
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score(b), score(a)) })
		l := &tierList{place: make([]uint8, c.pool.Len())}
		for _, share := range shares {
			samples := order[:min(max(1, int(share*float64(len(c.rated)))), len(order))]
			order = order[len(samples):]
			l.add(c, samples)
		}
		all = append(all, l)
	}
	return all
}

// add appends the next lower tier, with these samples.
func (l *tierList) add(c *chooser, samples []int) {
	t := &tier{of: map[uint32]*queue{}, bySource: map[uint32]int{}}
	l.tiers = append(l.tiers, t)
	for _, i := range samples {
		source := c.pool.Source[i]
		l.place[i] = uint8(len(l.tiers))
		if t.of[source] == nil {
			t.of[source] = &queue{}
			t.sources = append(t.sources, source)
		}
		if c.taken[i] {
			l.countTaken(i, source)
		} else {
			t.of[source].waiting = append(t.of[source].waiting, i)
		}
	}
	slices.Sort(t.sources)
}

// score returns the expected score of a sample, or its rating if there are no expected scores, in units of
// 1/scorer.ExpectedUnits.
func (c *chooser) score(capability, i int) int {
	rating := c.pool.Ratings[capability][i]
	switch {
	case rating == selection.Missing:
		return 0
	case c.pool.Expected != nil:
		return int(c.pool.Expected[capability][i])
	default:
		return int(rating) * scorer.ExpectedUnits
	}
}
