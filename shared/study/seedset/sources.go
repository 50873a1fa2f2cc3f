package seedset

import (
	"cmp"
	"slices"

	"github.com/harvest-ml/harvest/shared/selection"
)

// ChooseOfEach chooses the number each of samples from every source, or all rated samples of a source if there are
// fewer. It returns their positions in the pool, ascending. Within a source, samples are taken from the styles in turn;
// the style with the most samples is first. If the set has fewer than least samples, more samples are taken from
// strata, as Choose does. If it would have more than most samples, each source gets fewer. As long as there are other
// samples, no image occurs twice, and no sample has a duplicate. The same pool gives the same set; the seed is in
// Pool.Tie.
func ChooseOfEach(pool *selection.Pool, each, least, most int) []int {
	c := newChooser(pool, most)
	sources := map[uint32]bool{}
	for _, i := range c.rated {
		sources[pool.Source[i]] = true
	}
	if len(sources) > 0 {
		each = min(each, max(1, most/len(sources)))
	}
	for _, c.strict = range []bool{true, false} {
		c.ofEach(each)
	}
	c.left = min(c.left, least-len(c.chosen()))
	for _, c.strict = range []bool{true, false} {
		c.overStrata(c.left)
	}
	return c.chosen()
}

// ofEach takes samples until each source has this number of samples, or no other sample is free.
func (c *chooser) ofEach(each int) {
	styles := map[uint32]map[int64]*queue{} // by source
	taken := map[uint32]int{}
	for _, i := range c.rated {
		s := c.stratumOf(i)
		if c.taken[i] {
			taken[s.source]++
			continue
		}
		if styles[s.source] == nil {
			styles[s.source] = map[int64]*queue{}
		}
		q := styles[s.source][s.style]
		if q == nil {
			q = &queue{}
			styles[s.source][s.style] = q
		}
		q.size++
		q.waiting = append(q.waiting, i)
	}
	var sources []uint32
	for source := range styles {
		sources = append(sources, source)
	}
	slices.Sort(sources)
	for _, source := range sources {
		for taken[source] < each && c.left > 0 {
			next, from := -1, (*queue)(nil)
			for _, style := range bySize(styles[source]) {
				q := styles[source][style]
				if from != nil && q.taken >= from.taken {
					continue
				}
				if i, ok := q.next(c); ok {
					next, from = i, q
				}
			}
			if from == nil {
				break
			}
			from.taken++
			taken[source]++
			c.take(next)
		}
	}
}

// bySize returns the styles of a source, the style with the most samples first.
func bySize(queues map[int64]*queue) []int64 {
	var styles []int64
	for style := range queues {
		styles = append(styles, style)
	}
	slices.SortFunc(styles, func(a, b int64) int {
		return cmp.Or(cmp.Compare(queues[b].size, queues[a].size), cmp.Compare(a, b))
	})
	return styles
}
