// Package selection chooses the best subset of a scored pool at a budget: a pure function of
// ratings, styles, sources and parameters, with the semantics of the reference implementation of
// mmSSR (arXiv 2503.13383, repository lyumengyao/mmssr, llava/select) and definite ties.
//
// Capabilities take turns. At its turn a capability picks its part of the budget among the samples
// rated above the threshold, spread over bins (style + "+" + source): the smallest bin first, an
// equal share from each, and what a small bin cannot give is asked of the larger ones.
package selection

import (
	"fmt"
	"slices"
	"strings"
)

// Params says what to select.
type Params struct {
	// Budget is the number of samples to pick, from 1 to the length of the pool.
	Budget int `json:"budget"`
	// Threshold is the rating that a sample must exceed to be picked for a capability.
	Threshold int `json:"threshold"`
	// Capabilities are those that take turns, in this order. Empty means all of the pool's, in its
	// order.
	Capabilities []string `json:"capabilities,omitempty"`
	// RatingsOnly makes equal ratings go to the lower index, as in the reference; expected scores,
	// sums and tie hashes are then not looked at.
	RatingsOnly bool `json:"ratings_only,omitempty"`
}

// Validate reports the first parameter that does not suit the pool, and what would.
func (p Params) Validate(pool *Pool) error {
	if pool.Len() == 0 {
		return fmt.Errorf("the pool is empty: there is nothing to select from")
	}
	if p.Budget < 1 || p.Budget > pool.Len() {
		return fmt.Errorf("budget: %d samples cannot be selected from %d; give 1 to %d", p.Budget, pool.Len(), pool.Len())
	}
	if len(pool.Capabilities) == 0 {
		return fmt.Errorf("capabilities: the pool is rated on none")
	}
	for _, name := range p.Capabilities {
		if !slices.Contains(pool.Capabilities, name) {
			return fmt.Errorf("capabilities: %q is unknown; known are: %s", name, strings.Join(pool.Capabilities, ", "))
		}
	}
	if name, twice := duplicate(p.Capabilities); twice {
		return fmt.Errorf("capabilities: %q is named twice; name it once", name)
	}
	return nil
}

// A Result is a selection: what was picked, in order, and why.
type Result struct {
	// Asked is the budget, Given the number of picks. Given is lower where too few samples are
	// rated above the threshold for any capability and have a style.
	Asked int `json:"asked"`
	Given int `json:"given"`
	// Rounds is the number of rounds begun.
	Rounds int `json:"rounds"`
	// Capabilities tells how each capability fared, in the order in which they took turns.
	Capabilities []Turns `json:"capabilities"`
	// Bins are the names of the pool's bins, ascending by code point.
	Bins []string `json:"-"`
	// Picks are the picked samples, in the order in which they were picked.
	Picks []Pick `json:"-"`
}

// Turns sums up what one capability did in a selection.
type Turns struct {
	Capability string `json:"capability"`
	// Candidates is the number of samples with a style that are rated above the threshold.
	Candidates int `json:"candidates"`
	// Picked is the number of samples picked at this capability's turns.
	Picked int `json:"picked"`
}

// A Pick tells how a sample was picked.
type Pick struct {
	Sample     uint32 // position in the pool
	Round      uint32 // from 1
	Capability uint32 // index into Result.Capabilities
	Bin        uint32 // index into Result.Bins
	// Rank is the sample's position, from 1, in the order of the candidates that the bin held when
	// the capability's turn began.
	Rank uint32
}

// Shortfall is the number of samples asked for and not given.
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
// Time is linear in the styles of all samples times the capabilities, and so is memory in the samples
// and their styles: beside the pool about 50 bytes a sample of two styles, 40 a pick, 16 a sample
// and processor while it starts, and 80 for each pair of a bin and a capability.
func Select(pool *Pool, params Params) (*Result, error) {
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	if err := params.Validate(pool); err != nil {
		return nil, fmt.Errorf("checking the selection's parameters: %w", err)
	}
	return newSelector(pool, params).run(), nil
}
