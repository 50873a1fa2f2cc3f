package selection

import (
	"cmp"
	"slices"
)

// descend picks the best sample of each bin, and then makes rounds with thresholds 3, 2, 1, 0 and the thresholds of the
// parameters.
func (p *slowSelection) descend() {
	p.nameCapabilities()
	p.bestOfBins()
	for _, level := range []int{3, 2, 1, 0, Missing} {
		p.level = level
		p.rounds()
		if !slices.ContainsFunc(p.names, func(name string) bool { return p.threshold(name) < level }) {
			return
		}
	}
}

// A slowBest is a candidate of a bin, with its highest rating and the first capability that has it.
type slowBest struct {
	sample     uint32
	rating     int8
	capability uint32
}

func (p *slowSelection) bestOfBins() {
	bins := make(map[string][]slowBest)
	for _, bin := range p.result.Bins {
		for s := range uint32(p.pool.Len()) {
			best := slowBest{sample: s, rating: Missing}
			for c, name := range p.names {
				rating := p.pool.Ratings[slices.Index(p.pool.Capabilities, name)][s]
				if slices.Contains(p.candidates(name), s) && rating > best.rating {
					best.rating, best.capability = rating, uint32(c)
				}
			}
			if best.rating != Missing && slices.Contains(binNames(p.pool, s), bin) {
				bins[bin] = append(bins[bin], best)
			}
		}
	}
	tokens, each := 0, 1
	if p.params.InTokens {
		for _, n := range p.pool.Tokens {
			tokens += int(n)
		}
		each = max(tokens/p.pool.Len(), 1)
	}
	if 4*len(bins) > max(p.params.Budget/each, 1) {
		return
	}
	for i, bin := range p.result.Bins {
		held := slices.DeleteFunc(bins[bin], func(b slowBest) bool { return p.dropped[b.sample] })
		if len(held) == 0 || p.spent == p.params.Budget {
			continue
		}
		best := slices.MinFunc(held, func(a, b slowBest) int {
			return cmp.Or(cmp.Compare(b.rating, a.rating), slowTies(p.pool, p.params, a.sample, b.sample))
		})
		if !p.picked[best.sample] &&
			p.try(best.sample, Pick{Rule: ByBin, Capability: best.capability, Bin: uint32(i), Rank: 1}) {
			p.result.Capabilities[best.capability].Picked++
		}
	}
}
