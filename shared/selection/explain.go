package selection

import (
	"cmp"
	"fmt"
	"slices"
)

// An Explanation tells why a sample is in a selection, or what kept it out.
type Explanation struct {
	Sample uint32 `json:"sample"` // position in the pool
	// Order is the sample's position, from 1, among the picks; 0 where it was not picked. The fields
	// up to Rank are then as Pick describes them, and zero otherwise.
	Order      int    `json:"order,omitempty"`
	Rule       string `json:"rule,omitempty"` // Rule.String
	Capability string `json:"capability,omitempty"`
	Round      int    `json:"round,omitempty"`
	Bin        string `json:"bin,omitempty"`
	Rank       int    `json:"rank,omitempty"`
	// Reason is what kept the sample out, empty where it was picked: the first that applies, in the
	// order in which parameters are applied.
	Reason Reason `json:"reason,omitempty"`
	// Misses tell how near the sample came, nearest first, where it took part and was not picked.
	Misses []Miss `json:"misses,omitempty"`
	// Below are the capabilities that it did not qualify for, nearest first.
	Below []Below `json:"below,omitempty"`
}

// A Miss compares a sample with the last one that a capability picked from one of its bins. With a
// strategy without turns there is one miss, of the strategy's order.
type Miss struct {
	Capability string `json:"capability,omitempty"`
	Bin        string `json:"bin,omitempty"`
	// Rank is the sample's position, from 1, in the order of all candidates of the capability that
	// the bin held before the first round; Last is that of the last one picked, 0 where none was. A
	// sample that was not picked may come before the last for its caps or its tokens.
	Rank int `json:"rank"`
	Last int `json:"last"`
}

// Below is a rating that does not exceed its capability's threshold.
type Below struct {
	Capability string `json:"capability"`
	Rating     *int16 `json:"rating"` // nil: missing
	Threshold  int    `json:"threshold"`
}

// A Reason is what kept a sample out of a selection.
type Reason string

// The reasons.
const (
	ReasonStyle     Reason = "the filter of styles"
	ReasonSource    Reason = "the filter of sources"
	ReasonDuplicate Reason = "its content, which another sample has"
	ReasonExclude   Reason = "the list of excluded samples"
	ReasonNoStyle   Reason = "having no style"
	ReasonUnrated   Reason = "having no rating"
	ReasonThreshold Reason = "the thresholds"
	ReasonSourceCap Reason = "the cap of its source"
	ReasonStyleCap  Reason = "the cap of one of its styles"
	ReasonImageCap  Reason = "the cap of one of its images"
	ReasonTokens    Reason = "having more tokens than remained"
	ReasonRank      Reason = "the budget, which other samples took first"
)

// Explain explains samples, given by their positions, of a selection that Select made of the pool
// with the parameters. It fails where these are not valid or there is no such sample. Time is that
// of a selection, and for each sample that of a look at its bins.
func Explain(pool *Pool, params Params, result *Result, samples ...uint32) ([]Explanation, error) {
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	if err := params.Validate(pool); err != nil {
		return nil, fmt.Errorf("checking the selection's parameters: %w", err)
	}
	e := newExplainer(pool, params, result)
	explanations := make([]Explanation, len(samples))
	for i, s := range samples {
		if int64(s) >= int64(pool.Len()) {
			return nil, fmt.Errorf("explaining sample %d: the last of the pool is %d", s, pool.Len()-1)
		}
		explanations[i] = e.explain(s)
	}
	return explanations, nil
}

// An explainer looks at a selection from behind.
type explainer struct {
	*selector
	result *Result
	gate   *gate
	quotas quotas
	// tooLong marks those of the result.
	tooLong bitset
	order   map[uint32]int // from 1, by sample
	// last is the last sample that a capability picked from a bin.
	last   map[drawer]uint32
	lineUp []uint32 // of a strategy without turns
}

// A drawer is a bin as one capability sees it.
type drawer struct{ capability, bin uint32 }

func newExplainer(pool *Pool, params Params, result *Result) *explainer {
	e := &explainer{
		selector: newSelector(pool, params), result: result,
		gate: newGate(pool, params), quotas: newQuotas(pool, params), tooLong: result.tooLong(pool),
		order: make(map[uint32]int, len(result.Picks)), last: make(map[drawer]uint32),
	}
	if params.takesTurns() {
		e.openTurns()
	} else {
		e.lineUp = e.selector.lineUp()
	}
	for i, pick := range result.Picks {
		e.order[pick.Sample] = i + 1
		e.last[drawer{pick.Capability, pick.Bin}] = pick.Sample
		e.quotas.charge(pick.Sample, func(*quota, uint32) {})
	}
	return e
}

func (e *explainer) explain(s uint32) Explanation {
	x := Explanation{Sample: s}
	if order := e.order[s]; order > 0 {
		pick := e.result.Picks[order-1]
		x.Order, x.Rule, x.Round, x.Rank = order, pick.Rule.String(), int(pick.Round), int(pick.Rank)
		if pick.Rule == ByTurn {
			x.Capability, x.Bin = e.result.Capabilities[pick.Capability].Capability, e.result.Bins[pick.Bin]
		}
		return x
	}
	if x.Reason = e.gate.verdict(s); x.Reason != "" {
		return x
	}
	if len(e.pool.styles(s)) == 0 {
		x.Reason = ReasonNoStyle
		return x
	}
	var rated bool
	if e.turns == nil {
		x.Misses, rated = e.missOrder(s)
	} else {
		x.Misses, x.Below = e.missTurns(s)
		rated = len(x.Misses) > 0 || slices.ContainsFunc(x.Below, func(b Below) bool { return b.Rating != nil })
	}
	x.Reason = e.reason(s, rated, x.Misses)
	return x
}

// reason is what kept out a sample that takes part.
func (e *explainer) reason(s uint32, rated bool, misses []Miss) Reason {
	switch {
	case !rated:
		return ReasonUnrated
	case len(misses) == 0:
		return ReasonThreshold
	}
	if q := e.quotas.full(s); q != nil {
		return q.reason
	}
	if e.tooLong.has(s) {
		return ReasonTokens
	}
	return ReasonRank
}

// missOrder is the miss of a sample in a strategy's order, if it stands there.
func (e *explainer) missOrder(s uint32) (misses []Miss, found bool) {
	at := slices.Index(e.lineUp, s)
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

// missTurns are the misses of a sample with each capability, in each bin, and the capabilities that
// it did not qualify for.
func (e *explainer) missTurns(s uint32) (misses []Miss, below []Below) {
	for i, t := range e.turns {
		if !t.candidates.has(s) {
			b := Below{Capability: t.result.Capability, Threshold: int(t.threshold)}
			if rating := t.keys.ratings[s]; rating != Missing {
				b.Rating = &rating
			}
			below = append(below, b)
			continue
		}
		for _, bin := range e.cells.bins(e.cells.of[s]) {
			m := Miss{Capability: t.result.Capability, Bin: e.cells.binNames[bin], Rank: t.rank(s, bin)}
			if last, picked := e.last[drawer{uint32(i), bin}]; picked {
				m.Last = t.rank(last, bin)
			}
			misses = append(misses, m)
		}
	}
	slices.SortStableFunc(misses, func(a, b Miss) int { return cmp.Compare(a.Rank-a.Last, b.Rank-b.Last) })
	slices.SortStableFunc(below, func(a, b Below) int { return cmp.Compare(a.distance(), b.distance()) })
	return misses, below
}

// distance is by how much the rating falls short; a missing one is farther than any other.
func (b Below) distance() int {
	if b.Rating == nil {
		return b.Threshold + 1 - Missing
	}
	return b.Threshold + 1 - int(*b.Rating)
}

// rank is a candidate's position, from 1, among all candidates of one of its bins.
func (t *turn) rank(s, bin uint32) int {
	place := uint32(slices.Index(t.cells.bins(t.cells.of[s]), bin))
	key := t.keys.key(s, place)
	rank := 1
	for _, seat := range t.cells.seats[t.cells.seatStart[bin]:t.cells.seatStart[bin+1]] {
		if !t.byScore && seat.place > place {
			break
		}
		for _, other := range t.cells.samples(seat.cell) {
			if !t.candidates.has(other) {
				continue
			}
			otherKey := t.keys.key(other, seat.place)
			switch {
			case !t.byScore && seat.place < place,
				otherKey>>t.keys.blind < key>>t.keys.blind,
				otherKey>>t.keys.blind == key>>t.keys.blind && t.keys.compare(other, s) < 0:
				rank++
			}
		}
	}
	return rank
}
