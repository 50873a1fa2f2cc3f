package seedset

import (
	"cmp"
	"math"
	"slices"
)

// A stratum is a source and a main style; style is -1 for samples without a style.
type stratum struct {
	source uint32
	style  int64
}

func (c *chooser) stratumOf(i int) stratum {
	s := stratum{source: c.pool.Source[i], style: -1}
	if first := c.pool.StyleStart[i]; first < c.pool.StyleStart[i+1] {
		s.style = int64(c.pool.Style[first])
	}
	return s
}

// overStrata takes up to n samples. The next sample is always from the stratum with the least progress.
func (c *chooser) overStrata(n int) {
	queues := map[stratum]*queue{}
	var order []stratum
	for _, i := range c.rated {
		s := c.stratumOf(i)
		q := queues[s]
		if q == nil {
			q = &queue{}
			queues[s] = q
			order = append(order, s)
		}
		q.size++
		if c.taken[i] {
			q.taken++
		} else {
			q.waiting = append(q.waiting, i)
		}
	}
	slices.SortFunc(order, func(a, b stratum) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.style, b.style))
	})
	for ; n > 0 && c.left > 0; n-- {
		var lagging *queue
		next := 0
		for _, s := range order {
			q := queues[s]
			if lagging != nil && q.progress() >= lagging.progress() {
				continue
			}
			if i, ok := q.next(c); ok {
				lagging, next = q, i
			}
		}
		if lagging == nil {
			return
		}
		lagging.taken++
		c.take(next)
	}
}

// progress returns the number of taken samples plus 1/2, divided by the square root of the stratum's size. Among strata
// without taken samples, the largest stratum has the least progress.
func (q *queue) progress() float64 { return (float64(q.taken) + 0.5) / math.Sqrt(float64(q.size)) }
