package selection

import "math/rand/v2"

// A Summary sets a selection beside the pool that it was made from and beside what chance would
// have given.
type Summary struct {
	Pool      Portrait `json:"pool"`
	Selection Portrait `json:"selection"`
	// Random is a random subset of the pool, of the selection's size.
	Random Portrait `json:"random"`
}

// A Portrait sums up a set of samples.
type Portrait struct {
	Samples int `json:"samples"`
	// Ratings has an entry for each capability of the pool, in its order.
	Ratings []MeanRating `json:"ratings"`
	// Styles has an entry for each of the pool's style names, in their order.
	Styles []StyleShare `json:"styles"`
	// Sources and Bins count the different sources and bins that the samples come from.
	Sources int `json:"sources"`
	Bins    int `json:"bins"`
}

// MeanRating is the mean rating on one capability.
type MeanRating struct {
	Capability string `json:"capability"`
	// Rated is the number of samples that have a rating; the others are left out of the mean.
	Rated int `json:"rated"`
	// Mean is 0 where no sample has a rating.
	Mean float64 `json:"mean"`
}

// StyleShare is the share of samples that have one style.
type StyleShare struct {
	Style string `json:"style"`
	// Share is in [0, 1]. Shares add up to more than 1 where samples have several styles.
	Share float64 `json:"share"`
}

// Summarize describes a pool, a selection of it (positions in the pool, each once) and a random
// subset of the same size, drawn with the seed. It takes a valid pool, and the same arguments give
// the same summary on any machine.
func Summarize(pool *Pool, selected []uint32, seed uint64) Summary {
	all := make([]uint32, pool.Len())
	for i := range all {
		all[i] = uint32(i)
	}
	b := newBins(pool)
	return Summary{
		Pool:      portray(pool, b, all),
		Selection: portray(pool, b, selected),
		Random:    portray(pool, b, draw(pool.Len(), len(selected), seed)),
	}
}

func portray(pool *Pool, b *bins, samples []uint32) Portrait {
	portrait := Portrait{
		Samples: len(samples),
		Ratings: make([]MeanRating, len(pool.Capabilities)),
		Styles:  make([]StyleShare, len(pool.StyleNames)),
	}
	for c, name := range pool.Capabilities {
		rating := &portrait.Ratings[c]
		rating.Capability = name
		sum := 0
		for _, s := range samples {
			if r := pool.Ratings[c][s]; r != Missing {
				sum += int(r)
				rating.Rated++
			}
		}
		if rating.Rated > 0 {
			rating.Mean = float64(sum) / float64(rating.Rated)
		}
	}

	holders := make([]int, len(pool.StyleNames))
	sources := newBitset(len(pool.SourceNames))
	covered := newBitset(len(b.names))
	for _, s := range samples {
		sources.set(pool.Source[s])
		for e := pool.StyleStart[s]; e < pool.StyleStart[s+1]; e++ {
			holders[pool.Style[e]]++
			covered.set(b.of[e])
		}
	}
	portrait.Sources = sources.count()
	portrait.Bins = covered.count()
	for i, name := range pool.StyleNames {
		portrait.Styles[i].Style = name
		if len(samples) > 0 {
			portrait.Styles[i].Share = float64(holders[i]) / float64(len(samples))
		}
	}
	return portrait
}

// draw picks k of the numbers below n, each subset with the same probability (Knuth, The Art of
// Computer Programming, volume 2, 3.4.2, algorithm S).
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
