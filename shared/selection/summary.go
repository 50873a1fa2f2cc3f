package selection

import (
	"math"
	"runtime"
)

// A Summary compares a selection with its pool and with random subsets. Failed and skipped samples of the pool are in
// none of these sets.
type Summary struct {
	// Pool describes the scored samples of the pool.
	Pool      Statistics `json:"pool"`
	Selection Statistics `json:"selection"`
	// Random describes a random subset of the scored samples, with as many samples as the selection.
	Random Statistics `json:"random"`
	// RandomTokens describes a random subset of the scored samples, with about as many tokens as the selection. Samples
	// are drawn in a random order, and a sample is taken if it has no more tokens than remain. Nil if the pool's tokens
	// are not known.
	RandomTokens *Statistics `json:"random_tokens,omitempty"`
	// PickRatings has the number of picks for each rating, 0 to 5, on the capability for which they were picked. It does
	// not count other ratings, or picks that no rating decided, such as must-includes. Nil if no rating decided any pick.
	PickRatings *PickRatings `json:"pick_ratings,omitempty"`
	// HighKept is the share, in [0, 1], of the pool's ratings of 4 and 5 that belong to samples of the selection; 0 if the
	// pool has no such ratings.
	HighKept float64 `json:"high_kept"`
	// BelowPool has the capabilities whose mean rating is lower in the selection than in the pool.
	BelowPool []string `json:"below_pool,omitempty"`
	// Templates has the ten largest templates of questions. Nil if templates are not known.
	Templates []TemplateShare `json:"templates,omitempty"`
}

// Capabilities returns the capabilities of the pool, in its order.
func (s *Summary) Capabilities() []string {
	names := make([]string, len(s.Pool.Ratings))
	for i, r := range s.Pool.Ratings {
		names[i] = r.Capability
	}
	return names
}

// Statistics describe a set of samples.
type Statistics struct {
	Samples int `json:"samples"`
	// Ratings has an entry for each capability of the pool, in its order.
	Ratings []MeanRating `json:"ratings"`
	// Styles has an entry for each of the pool's style names, in their order.
	Styles []StyleShare `json:"styles"`
	// Sources and Bins are the numbers of different sources and bins of the samples.
	Sources int `json:"sources"`
	Bins    int `json:"bins"`
	// StyleEntropy is the Shannon entropy, in bits, of the distribution of styles; a sample counts once for each of its
	// styles. SourceEntropy is the entropy of the distribution of sources.
	StyleEntropy  float64 `json:"style_entropy"`
	SourceEntropy float64 `json:"source_entropy"`
	// Tokens is the number of tokens of all samples; 0 if the pool's tokens are not known.
	Tokens int `json:"tokens"`
	// LengthCorrelation is Pearson's correlation, in [-1, 1], of a sample's tokens with its mean rating over all
	// capabilities of the pool, for samples with a rating. Nil if one of the two is not known or does not vary.
	LengthCorrelation *float64 `json:"length_correlation,omitempty"`
	// Shapes are the shares of samples by number of images and turns. Nil if the pool's shapes are not known.
	Shapes *ShapeShares `json:"shapes,omitempty"`
}

// MeanRating is the mean rating on one capability.
type MeanRating struct {
	Capability string `json:"capability"`
	// Rated is the number of samples that have a rating. The mean is over these samples.
	Rated int `json:"rated"`
	// Mean is 0 if no sample has a rating.
	Mean float64 `json:"mean"`
	// Counts are the numbers of samples rated 0 to 5; other ratings do not count.
	Counts [6]int `json:"counts"`
}

// StyleShare is the share of samples that have one style.
type StyleShare struct {
	Style string `json:"style"`
	// Share is in [0, 1]. Shares add up to more than 1 if samples have several styles.
	Share float64 `json:"share"`
}

// Summarize describes the pool, a selection of it, and random subsets that are drawn with the seed. The same arguments
// give the same summary on any machine.
func (c *Catalog) Summarize(result *Result, seed uint64) Summary {
	pool, selected, scored := c.Pool, result.Samples(), c.scoredSamples()
	sets := []sampleSet{scored, setOf(selected), setOf(scored.draw(len(selected), seed))}
	if pool.Tokens != nil {
		sets = append(sets, setOf(scored.drawTokens(pool, selected, seed)))
	}
	described := make([]Statistics, len(sets))
	parallel(runtime.GOMAXPROCS(0), len(sets), func(_, i int) {
		if i == 0 {
			described[0] = c.describePool()
			return
		}
		described[i] = describe(pool, c.groups(nil), sets[i])
	})
	summary := Summary{
		Pool: described[0], Selection: described[1], Random: described[2], PickRatings: pickRatings(pool, result),
		HighKept: highKept(&described[0], &described[1]), BelowPool: belowPool(&described[0], &described[1]),
	}
	summary.Templates = templateShares(pool, scored, selected)
	if pool.Tokens != nil {
		summary.RandomTokens = &described[3]
	}
	return summary
}

// describePool describes the scored samples of the pool.
func (c *Catalog) describePool() Statistics {
	c.onceDescribed.Do(func() { c.described = describe(c.Pool, c.groups(nil), c.scoredSamples()) })
	return c.described
}

func describe(pool *Pool, groups *groups, samples sampleSet) Statistics {
	statistics := Statistics{
		Samples: samples.n,
		Ratings: make([]MeanRating, len(pool.Capabilities)),
		Styles:  make([]StyleShare, len(pool.StyleNames)),
	}
	for c, name := range pool.Capabilities {
		statistics.Ratings[c] = meanRating(name, pool.Ratings[c], samples)
	}

	styles := make([]int, len(pool.StyleNames))
	sources := make([]int, len(pool.SourceNames))
	bins := newBitset(len(groups.binNames))
	for i := range samples.n {
		s := samples.at(i)
		sources[pool.Source[s]]++
		for _, style := range pool.styles(s) {
			styles[style]++
		}
		for _, bin := range groups.bins(groups.of[s]) {
			bins.set(bin)
		}
	}
	for _, n := range sources {
		if n > 0 {
			statistics.Sources++
		}
	}
	statistics.Bins = bins.count()
	for i, name := range pool.StyleNames {
		statistics.Styles[i].Style = name
		if samples.n > 0 {
			statistics.Styles[i].Share = float64(styles[i]) / float64(samples.n)
		}
	}
	statistics.StyleEntropy, statistics.SourceEntropy = entropy(styles), entropy(sources)
	if pool.Tokens != nil {
		for i := range samples.n {
			statistics.Tokens += int(pool.Tokens[samples.at(i)])
		}
		statistics.LengthCorrelation = lengthCorrelation(pool, samples)
	}
	statistics.Shapes = shapeShares(pool, samples)
	return statistics
}

func meanRating(capability string, ratings []int8, samples sampleSet) MeanRating {
	mean := MeanRating{Capability: capability}
	var counts [256]int // by rating + 128
	if samples.list == nil {
		for _, r := range ratings[:samples.n] {
			counts[uint8(r)^0x80]++
		}
	}
	for _, s := range samples.list {
		counts[uint8(ratings[s])^0x80]++
	}
	sum := 0
	for i, n := range counts {
		switch rating := i - 128; {
		case rating == Missing:
			continue
		case rating >= 0 && rating < len(mean.Counts):
			mean.Counts[rating] = n
		}
		sum += (i - 128) * n
		mean.Rated += n
	}
	if mean.Rated > 0 {
		mean.Mean = float64(sum) / float64(mean.Rated)
	}
	return mean
}

// entropy returns the entropy, in bits, of a distribution that is given by counts.
func entropy(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			share := float64(n) / float64(total)
			bits -= float64(share * math.Log2(share)) // converted, so that no processor fuses it with the sum
		}
	}
	return bits
}

// lengthCorrelation computes Statistics.LengthCorrelation. It subtracts both means before it squares, so that no digits
// cancel.
func lengthCorrelation(pool *Pool, samples sampleSet) *float64 {
	sums, rated := make([]int32, samples.n), make([]uint16, samples.n)
	for _, column := range pool.Ratings {
		for i := range samples.n {
			if r := column[samples.at(i)]; r != Missing {
				sums[i] += int32(r)
				rated[i]++
			}
		}
	}
	count := 0
	for _, n := range rated {
		if n > 0 {
			count++
		}
	}
	each := func(use func(tokens, rating float64)) {
		for i, n := range rated {
			if n > 0 {
				use(float64(pool.Tokens[samples.at(i)]), float64(sums[i])/float64(n))
			}
		}
	}
	leastX, mostX, leastY, mostY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	var meanX, meanY float64
	each(func(x, y float64) {
		leastX, mostX, leastY, mostY = min(leastX, x), max(mostX, x), min(leastY, y), max(mostY, y)
		meanX += x / float64(count)
		meanY += y / float64(count)
	})
	if count == 0 || leastX == mostX || leastY == mostY {
		return nil
	}
	var xx, yy, xy float64
	each(func(x, y float64) {
		x, y = x-meanX, y-meanY
		// Converted, so that no processor fuses them with the sums.
		xx += float64(x * x)
		yy += float64(y * y)
		xy += float64(x * y)
	})
	r := min(max(xy/math.Sqrt(xx*yy), -1), 1)
	return &r
}
