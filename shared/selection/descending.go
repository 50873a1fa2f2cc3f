package selection

import (
	"cmp"
	"math"
)

// firstLevel is the first threshold of Descending. Each next threshold is lower by 1, down to 0.
const firstLevel = 3

// Descending picks the best sample of each bin first if the budget, in samples, is at least seedShare times the number
// of bins that have a candidate.
const seedShare = 4

// descend makes a selection by the strategy Descending, and returns the number of rounds that began.
func (s *selector) descend() (rounds int) {
	names := s.params.capabilities(s.pool)
	results := make([]CapabilityResult, len(names))
	for i, name := range names {
		candidates := s.countCandidates(s.pool.column(name), s.params.threshold(name))
		results[i] = CapabilityResult{Capability: name, Candidates: candidates}
	}
	s.pickBestOfBins(results)
	amount := s.firstAmount()
	for _, level := range s.params.levels(s.pool) {
		s.prepareCapabilities(level, amount)
		amount = 0 // the best candidates of later levels are already removed
		rounds = s.takeTurns(rounds)
		for i, c := range s.capabilities {
			results[i].Picked += c.result.Picked
			c.result = results[i]
		}
		if s.remaining() == 0 {
			break
		}
	}
	return rounds
}

// levels returns the thresholds of a strategy with turns, in order. At each level, a capability has the threshold of
// the level, or its own threshold if that is higher. The last level is low enough that each capability has its own
// threshold.
func (p Params) levels(pool *Pool) (levels []int32) {
	if p.Strategy != Descending {
		return []int32{Missing}
	}
	lowest := int32(math.MaxInt32)
	for _, name := range p.capabilities(pool) {
		lowest = min(lowest, p.threshold(name))
	}
	for level := int32(firstLevel); level >= 0; level-- {
		levels = append(levels, level)
		if level <= lowest {
			return levels
		}
	}
	return append(levels, Missing)
}

// countCandidates counts the samples that take part and whose rating in a column exceeds a threshold.
func (s *selector) countCandidates(column int, threshold int32) (n int) {
	for sample, rating := range s.pool.Ratings[column] {
		if int32(rating) > threshold && s.groups.of[sample] != 0 {
			n++
		}
	}
	return n
}

// pickBestOfBins picks the best sample of each bin that has a candidate, in the order of the bins' names, if the budget
// has at least seedShare times as many samples as there are such bins.
func (s *selector) pickBestOfBins(results []CapabilityResult) {
	best := s.bestRatings()
	bins := make([]uint32, 0, len(s.groups.binNames))
	for bin := range uint32(len(s.groups.binNames)) {
		if s.bestOfBin(bin, best) != None {
			bins = append(bins, bin)
		}
	}
	if seedShare*len(bins) > s.samplesOf(s.params.Budget) {
		return
	}
	dropped := 0 // number of samples of s.dropped that were removed from best
	for _, bin := range bins {
		if s.remaining() == 0 {
			return
		}
		for ; dropped < len(s.dropped); dropped++ {
			best[s.dropped[dropped]].rating = Missing
		}
		sample := s.bestOfBin(bin, best)
		if sample == None || s.removed.has(sample) {
			continue
		}
		c := best[sample].capability
		if s.pickOrDrop(Pick{Sample: sample, Capability: c, Bin: bin, Rank: 1, Rule: ByBin}) {
			results[c].Picked++
		}
	}
}

// A bestRating is a sample's highest rating above its capability's threshold, and the first capability with this
// rating. If the sample is not a candidate, the rating is Missing.
type bestRating struct {
	rating     int8
	capability uint32
}

func (s *selector) bestRatings() []bestRating {
	best := make([]bestRating, s.pool.Len())
	for i := range best {
		best[i].rating = Missing
	}
	for c, name := range s.params.capabilities(s.pool) {
		threshold := s.params.threshold(name)
		for sample, rating := range s.pool.Ratings[s.pool.column(name)] {
			if int32(rating) > threshold && rating > best[sample].rating {
				best[sample] = bestRating{rating, uint32(c)}
			}
		}
	}
	return best
}

// bestOfBin returns the sample of a bin with the highest rating; among equal ratings, the first in the order of ties.
// It returns None if the bin has no candidate.
func (s *selector) bestOfBin(bin uint32, best []bestRating) uint32 {
	first := uint32(None)
	for _, entry := range s.groups.entries[s.groups.entryStart[bin]:s.groups.entryStart[bin+1]] {
		for _, sample := range s.groups.samples(entry.group) {
			switch rating := best[sample].rating; {
			case rating == Missing:
			case first == None,
				cmp.Or(cmp.Compare(best[first].rating, rating), s.ties.compare(sample, first)) < 0:
				first = sample
			}
		}
	}
	return first
}
