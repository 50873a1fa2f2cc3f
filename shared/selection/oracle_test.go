package selection

import (
	"cmp"
	"slices"
)

// An Explanation is the reason why a sample is in a selection, or is not.
type Explanation struct {
	Sample uint32 `json:"sample"` // position in the pool
	// Order is the sample's position, from 1, among the picks; 0 if it was not picked. The fields
	// up to Rank are then as Pick describes them, and zero otherwise.
	Order      int    `json:"order,omitempty"`
	Rule       string `json:"rule,omitempty"` // Rule.String
	Capability string `json:"capability,omitempty"`
	Round      int    `json:"round,omitempty"`
	Bin        string `json:"bin,omitempty"`
	Rank       int    `json:"rank,omitempty"`
	// Reason is the reason why the sample was not picked; empty if it was picked. If several reasons apply, it is the
	// first in the order in which parameters are applied.
	Reason Reason `json:"reason,omitempty"`
	// Misses describe how near the sample was to being picked, the nearest miss first, if it took part and was not picked.
	Misses []Miss `json:"misses,omitempty"`
	// Below has the capabilities for which the sample's rating is too low, the nearest first.
	Below []Below `json:"below,omitempty"`
}

// A Miss compares a sample with the last sample that a capability picked from one of its bins. A strategy without turns
// has one miss, in the strategy's order.
type Miss struct {
	Capability string `json:"capability,omitempty"`
	Bin        string `json:"bin,omitempty"`
	// Rank is the sample's position, from 1, in the order of all candidates of the capability that the bin had before the
	// first round. Last is the position of the last picked sample; 0 if no sample was picked. A sample that was not picked
	// may come before it because of caps or tokens.
	Rank int `json:"rank"`
	Last int `json:"last"`
}

// A Below is a rating that does not exceed the threshold of its capability.
type Below struct {
	Capability string `json:"capability"`
	Rating     *int8  `json:"rating"` // nil: missing
	Threshold  int    `json:"threshold"`
}

// explainAll explains every sample of a pool separately, in the orders of the selector. It is slow. Tests compare
// Reasons with it.
func explainAll(c *Catalog, params Params, result *Result) []Explanation {
	e := newExplainer(c, params, result)
	explanations := make([]Explanation, c.Pool.Len())
	for s := range explanations {
		explanations[s] = e.explain(uint32(s))
	}
	return explanations
}

// An explainer compares samples with the picks, in the orders of the selector.
type explainer struct {
	*selector
	result      *Result
	eligibility *eligibility
	counters    capCounters    // counts of all picks
	tooLong     bitset         // TooLong of the result
	pickOrder   map[uint32]int // order of picking, from 1, by sample
	// last is the last sample that a capability picked from a bin.
	last  map[capabilityBin]uint32
	order []uint32 // of a strategy without turns
}

// A capabilityBin is a bin of one capability.
type capabilityBin struct{ capability, bin uint32 }

func newExplainer(catalog *Catalog, params Params, result *Result) *explainer {
	pool := catalog.Pool
	e := &explainer{
		selector:    newSelector(catalog, params),
		result:      result,
		eligibility: newEligibility(pool, params),
		counters:    newCapCounters(pool, params),
		tooLong:     result.tooLong(pool),
		pickOrder:   make(map[uint32]int, len(result.Picks)),
		last:        make(map[capabilityBin]uint32),
	}
	if params.TakesTurns() {
		e.prepareCapabilities(Missing, e.firstAmount())
	} else {
		e.order = e.strategyOrder()
	}
	for i, pick := range result.Picks {
		e.pickOrder[pick.Sample] = i + 1
		e.last[capabilityBin{pick.Capability, pick.Bin}] = pick.Sample
		e.counters.charge(pick.Sample, func(*capCounter, uint32) {})
	}
	return e
}

func (e *explainer) explain(s uint32) Explanation {
	x := Explanation{Sample: s}
	if order := e.pickOrder[s]; order > 0 {
		pick := e.result.Picks[order-1]
		x.Order, x.Rule, x.Round, x.Rank = order, pick.Rule.String(), int(pick.Round), int(pick.Rank)
		if pick.Rule == ByTurn {
			x.Capability, x.Bin = e.result.Capabilities[pick.Capability].Capability, e.result.Bins[pick.Bin]
		}
		return x
	}
	if x.Reason = e.eligibility.reason(s); x.Reason != "" {
		return x
	}
	if len(e.pool.styles(s)) == 0 {
		x.Reason = ReasonNoStyle
		return x
	}
	var rated bool
	if e.capabilities == nil {
		x.Misses, rated = e.missesInOrder(s)
	} else {
		x.Misses, x.Below = e.missesInTurns(s)
		rated = len(x.Misses) > 0 || slices.ContainsFunc(x.Below, func(b Below) bool { return b.Rating != nil })
	}
	x.Reason = e.reason(s, rated, x.Misses)
	return x
}

// reason returns the reason why a sample that takes part was not picked.
func (e *explainer) reason(s uint32, rated bool, misses []Miss) Reason {
	switch {
	case !rated:
		return ReasonUnrated
	case len(misses) == 0:
		return ReasonThreshold
	}
	if counter := e.counters.exceeded(s); counter != nil {
		return counter.reason
	}
	if e.tooLong.has(s) {
		return ReasonTokens
	}
	return ReasonRank
}

// missesInOrder returns the miss of a sample in a strategy's order, if the sample is in the order.
func (e *explainer) missesInOrder(s uint32) (misses []Miss, found bool) {
	at := slices.Index(e.order, s)
	if at < 0 {
		return nil, false
	}
	last := 0
	for _, pick := range e.result.Picks {
		if pick.Rule == ByStrategy {
			last = int(pick.Rank)
		}
	}
	return []Miss{{Rank: at + 1, Last: last}}, true
}

// missesInTurns returns the misses of a sample for each capability and bin, and the capabilities for which its rating
// is too low.
func (e *explainer) missesInTurns(s uint32) (misses []Miss, below []Below) {
	for i, c := range e.capabilities {
		if !c.candidates.has(s) {
			b := Below{Capability: c.result.Capability, Threshold: int(c.threshold)}
			if rating := c.keys.ratings[s]; rating != Missing {
				b.Rating = &rating
			}
			below = append(below, b)
			continue
		}
		for _, bin := range e.groups.bins(e.groups.of[s]) {
			m := Miss{Capability: c.result.Capability, Bin: e.groups.binNames[bin], Rank: c.rank(s, bin)}
			if last, picked := e.last[capabilityBin{uint32(i), bin}]; picked {
				m.Last = c.rank(last, bin)
			}
			misses = append(misses, m)
		}
	}
	slices.SortStableFunc(misses, func(a, b Miss) int { return cmp.Compare(a.Rank-a.Last, b.Rank-b.Last) })
	slices.SortStableFunc(below, func(a, b Below) int { return cmp.Compare(a.distance(), b.distance()) })
	return misses, below
}

// distance returns how far the rating is below the threshold; a missing rating is farther than any other.
func (b Below) distance() int {
	if b.Rating == nil {
		return b.Threshold + 1 - Missing
	}
	return b.Threshold + 1 - int(*b.Rating)
}

// rank returns a candidate's position, from 1, among all candidates of one of its bins.
func (c *capability) rank(s, bin uint32) int {
	position := uint32(slices.Index(c.groups.bins(c.groups.of[s]), bin))
	key := c.keys.key(s, position)
	rank := 1
	for _, entry := range c.groups.entries[c.groups.entryStart[bin]:c.groups.entryStart[bin+1]] {
		if !c.byScore && entry.position > position {
			break
		}
		for _, other := range c.groups.samples(entry.group) {
			if !c.candidates.has(other) {
				continue
			}
			otherKey := c.keys.key(other, entry.position)
			switch {
			case !c.byScore && entry.position < position,
				otherKey>>c.keys.undecidedBits < key>>c.keys.undecidedBits,
				otherKey>>c.keys.undecidedBits == key>>c.keys.undecidedBits && c.keys.compare(other, s) < 0:
				rank++
			}
		}
	}
	return rank
}
