package selection

import "math/rand/v2"

// A sampleSet is a list of samples of a pool, or, without a list, the first n samples.
type sampleSet struct {
	list []uint32
	n    int
}

func setOf(list []uint32) sampleSet { return sampleSet{list, len(list)} }

// at returns the i-th sample of the set.
func (s sampleSet) at(i int) uint32 {
	if s.list == nil {
		return uint32(i)
	}
	return s.list[i]
}

// Scored reports whether sample s has a rating. Failed and skipped samples have no rating.
func (p *Pool) Scored(s uint32) bool {
	for _, column := range p.Ratings {
		if column[s] != Missing {
			return true
		}
	}
	return false
}

// scoredSamples returns the samples of the pool that have a rating. It needs memory only if some samples have none.
func (c *Catalog) scoredSamples() sampleSet {
	c.onceScored.Do(func() {
		pool := c.Pool
		c.scored = sampleSet{n: pool.Len()}
		for s := range uint32(pool.Len()) {
			switch scored := pool.Scored(s); {
			case scored && c.scored.list != nil:
				c.scored.list = append(c.scored.list, s)
			case !scored && c.scored.list == nil:
				c.scored.list = make([]uint32, s, pool.Len())
				for before := range s {
					c.scored.list[before] = before
				}
			}
		}
		if c.scored.list != nil {
			c.scored.n = len(c.scored.list)
		}
	})
	return c.scored
}

// drawTokens draws samples of the set in a random order, with at most as many tokens as the selected samples have. It
// skips a sample that has more tokens than remain.
func (s sampleSet) drawTokens(pool *Pool, selected []uint32, seed uint64) []uint32 {
	remaining := 0
	for _, one := range selected {
		remaining += int(pool.Tokens[one])
	}
	order := make([]uint32, s.n)
	for i := range order {
		order[i] = s.at(i)
	}
	shuffle(order, seed)
	var drawn []uint32
	for _, one := range order {
		if remaining == 0 {
			break
		}
		if tokens := int(pool.Tokens[one]); tokens <= remaining {
			drawn = append(drawn, one)
			remaining -= tokens
		}
	}
	return drawn
}

// draw draws k samples of the set, or all samples if it has fewer; each subset has the same probability.
func (s sampleSet) draw(k int, seed uint64) []uint32 {
	drawn := draw(s.n, min(k, s.n), seed)
	for i, at := range drawn {
		drawn[i] = s.at(int(at))
	}
	return drawn
}

// draw draws k of the numbers below n; each subset has the same probability (Knuth, The Art of Computer Programming,
// volume 2, 3.4.2, algorithm S).
func draw(n, k int, seed uint64) []uint32 {
	rng := rand.New(rand.NewPCG(seed, 0))
	drawn := make([]uint32, 0, k)
	for i := 0; len(drawn) < k; i++ {
		if rng.IntN(n-i) < k-len(drawn) {
			drawn = append(drawn, uint32(i))
		}
	}
	return drawn
}
