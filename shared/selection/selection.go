// Package selection chooses the best subset of a scored pool at a budget: a pure function of
// ratings, styles, sources and rules, without input or output, clock or package state. The method is
// that of mmSSR (arXiv 2503.13383) as its reference implementation (repository lyumengyao/mmssr,
// llava/select) computes it, with definite ties.
//
// Capabilities take turns, in rounds. In its turn a capability picks its amount of the budget among
// its candidates, the samples rated above the threshold, spread over bins (style + "+" + source): the
// smallest bin first, an equal share from each, and the larger bins give what a small bin cannot.
package selection

import "math"

// A Result is a selection: what was picked, in order, and why.
type Result struct {
	// Asked is the budget, Given what the picks take of it: samples, or tokens if the budget is in
	// tokens. Given is lower if too few samples are rated above the threshold for any capability and
	// have a style, or if caps or tokens keep them out.
	Asked int `json:"asked"`
	Given int `json:"given"`
	// Shortfalls report what was asked of a source, capability or bin and could not be given.
	Shortfalls []Shortfall `json:"shortfalls,omitempty"`
	// Rounds is the number of rounds begun.
	Rounds int `json:"rounds"`
	// Capabilities reports what was picked for each capability, in the order in which they took turns.
	// It is empty if none did.
	Capabilities []CapabilityResult `json:"capabilities"`
	// Bins are the names of the bins of all samples that take part, ascending by code point.
	Bins []string `json:"-"`
	// Picks are the picked samples, in the order in which they were picked.
	Picks []Pick `json:"-"`
	// TooLong are the samples that were removed because they had more tokens than remained when they
	// were the next to be picked, in the order of their removal.
	TooLong []uint32 `json:"-"`
}

// CapabilityResult reports what one capability did in a selection.
type CapabilityResult struct {
	Capability string `json:"capability"`
	// Candidates is the number of samples with a style that are rated above the threshold.
	Candidates int `json:"candidates"`
	// Picked is the number of samples picked at this capability's turns, or as the best of their bins
	// with their highest rating on it.
	Picked int `json:"picked"`
}

// A Pick says how a sample was picked.
type Pick struct {
	Sample     uint32 // position in the pool
	Round      uint32 // from 1; 0 if the rule is not ByTurn
	Capability uint32 // index into Result.Capabilities; None if the rule is neither ByTurn nor ByBin
	Bin        uint32 // index into Result.Bins; None if the rule is neither ByTurn nor ByBin
	// Rank is the sample's position, from 1, in the order of the candidates that the bin held when the capability's turn
	// began; for the other rules it is the position in the bin, in Params.Include, in the order of the source's samples,
	// or in the strategy's order.
	Rank uint32
	Rule PickRule
}

// None stands for no capability and no bin.
const None = math.MaxUint32

// A PickRule is which rule picked a sample.
type PickRule uint8

// The rules that pick.
const (
	ByTurn     PickRule = iota // a capability's turn
	ByInclude                  // Params.Include
	ByMinimum                  // Params.Minimums
	ByStrategy                 // the order of a strategy without turns
	ByBin                      // the best sample of a bin, which Descending begins with
)

// String is "turn", "include", "minimum", "strategy" or "bin".
func (r PickRule) String() string {
	return [...]string{"turn", "include", "minimum", "strategy", "bin"}[r]
}

// Rated says whether a rating on a capability decided that the sample was picked.
func (p Pick) Rated() bool { return p.Capability != None }

// Shortfall is what was asked for and not given, in units of the budget.
func (r *Result) Shortfall() int { return r.Asked - r.Given }

// Samples are the positions of the picked samples in the pool, in the order in which they were
// picked.
func (r *Result) Samples() []uint32 {
	samples := make([]uint32, len(r.Picks))
	for i, pick := range r.Picks {
		samples[i] = pick.Sample
	}
	return samples
}

// Select picks up to Params.Budget samples of the pool. The same pool and parameters give the same
// picks on any machine; the pool is only read. Too few candidates are a shortfall in the result; an
// error means that the pool or the parameters contradict themselves.
//
// A Catalog makes several selections of one pool in less time.
//
// Time is linear in the styles of all samples and in the samples times the capabilities, and memory
// in the samples: in addition to the pool about 22 bytes a sample, 40 a pick and 60 for each pair of
// a bin and a capability.
func Select(pool *Pool, params Params) (*Result, error) {
	catalog, err := NewCatalog(pool)
	if err != nil {
		return nil, err
	}
	return catalog.Select(params)
}
