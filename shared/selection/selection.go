// Package selection chooses the best subset of a scored pool for a budget. A selection is a pure function of ratings,
// styles, sources and rules. It uses no input or output, no clock and no package state. The method is that of mmSSR
// (arXiv 2503.13383), as its reference implementation computes it (repository lyumengyao/mmssr, llava/select), but ties
// are broken in a defined order.
//
// Capabilities take turns, in rounds. In its turn, a capability picks its amount of the budget among its candidates,
// which are the samples with a rating above the threshold. It divides the amount equally over the bins (style + "+" +
// source), and begins with the smallest bin. If a small bin has too few candidates, the larger bins give more.
package selection

import "math"

// A Result is a selection: the picked samples, in order, and the reasons.
type Result struct {
	// Asked is the budget. Given is the part of the budget that the picks fill. Both are in samples, or in tokens if the
	// budget is in tokens. Given is lower than Asked if too few samples have a style and a rating above the threshold for
	// a capability, or if caps or tokens exclude samples.
	Asked int `json:"asked"`
	Given int `json:"given"`
	// Shortfalls report the sources, styles, capabilities and bins that have fewer samples than requested.
	Shortfalls []Shortfall `json:"shortfalls,omitempty"`
	// Rounds is the number of rounds that began.
	Rounds int `json:"rounds"`
	// Capabilities reports the picks of each capability, in the order in which they took turns. It is empty if the
	// strategy has no turns.
	Capabilities []CapabilityResult `json:"capabilities"`
	// Bins are the names of the bins of all samples that take part, ascending by code point.
	Bins []string `json:"-"`
	// Picks are the picked samples, in the order in which they were picked.
	Picks []Pick `json:"-"`
	// TooLong has the samples that were removed because they had more tokens than remained when they were the next to be
	// picked. They are in the order of removal.
	TooLong []uint32 `json:"-"`
}

// A CapabilityResult reports the picks of one capability in a selection.
type CapabilityResult struct {
	Capability string `json:"capability"`
	// Candidates is the number of samples with a style that are rated above the threshold.
	Candidates int `json:"candidates"`
	// Picked is the number of samples that were picked at this capability's turns, or as the best of their bins because of
	// their rating on it.
	Picked int `json:"picked"`
}

// A Pick describes how a sample was picked.
type Pick struct {
	Sample     uint32 // position in the pool
	Round      uint32 // from 1; 0 if the rule is not ByTurn
	Capability uint32 // index into Result.Capabilities; None if the rule is neither ByTurn nor ByBin
	Bin        uint32 // index into Result.Bins; None if the rule is neither ByTurn nor ByBin
	// Rank is the sample's position, from 1, in the order of the candidates that the bin had when the capability's turn
	// began. For the other rules it is the position in the bin, in Params.Include, in the order of the source's samples,
	// or in the strategy's order.
	Rank uint32
	Rule PickRule
}

// None stands for no capability and for no bin.
const None = math.MaxUint32

// A PickRule is the rule that picked a sample.
type PickRule uint8

// The rules that pick.
const (
	ByTurn     PickRule = iota // a capability's turn
	ByInclude                  // Params.Include
	ByMinimum                  // Params.Minimums
	ByStrategy                 // the order of a strategy without turns
	ByBin                      // Descending: the best sample of a bin
)

// String returns "turn", "include", "minimum", "strategy" or "bin".
func (r PickRule) String() string {
	return [...]string{"turn", "include", "minimum", "strategy", "bin"}[r]
}

// Rated reports whether a rating on a capability decided that the sample was picked.
func (p Pick) Rated() bool { return p.Capability != None }

// Shortfall returns the part of the budget that was not filled, in units of the budget.
func (r *Result) Shortfall() int { return r.Asked - r.Given }

// Samples returns the positions of the picked samples in the pool, in the order in which they were picked.
func (r *Result) Samples() []uint32 {
	samples := make([]uint32, len(r.Picks))
	for i, pick := range r.Picks {
		samples[i] = pick.Sample
	}
	return samples
}

// Select picks up to Params.Budget samples of the pool. The same pool and parameters give the same picks on any
// machine. The pool is not changed. If there are too few candidates, the result has shortfalls. An error means that the
// pool or the parameters are invalid.
//
// To make several selections of one pool in less time, use a Catalog.
//
// The time is linear in the number of styles of all samples, and in the number of samples times the number of
// capabilities. In addition to the pool, the memory is about 20 bytes a sample, 40 a pick, and 60 for each pair of a
// bin and a capability.
func Select(pool *Pool, params Params) (*Result, error) {
	catalog, err := NewCatalog(pool)
	if err != nil {
		return nil, err
	}
	return catalog.Select(params)
}
