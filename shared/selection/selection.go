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
	"math"
	"slices"
)

// A Result is a selection: what was picked, in order, and why.
type Result struct {
	// Asked is the budget, Given what the picks take of it: samples, or tokens where the budget is in
	// tokens. Given is lower where too few samples are rated above the threshold for any capability
	// and have a style, or where caps or tokens keep them out.
	Asked int `json:"asked"`
	Given int `json:"given"`
	// Shortfalls tell what could not be given where it was asked.
	Shortfalls []Shortfall `json:"shortfalls,omitempty"`
	// Rounds is the number of rounds begun.
	Rounds int `json:"rounds"`
	// Capabilities tells how each capability fared, in the order in which they took turns. It is
	// empty where none did.
	Capabilities []Turns `json:"capabilities"`
	// Bins are the names of the bins of all samples that take part, ascending by code point.
	Bins []string `json:"-"`
	// Picks are the picked samples, in the order in which they were picked.
	Picks []Pick `json:"-"`
	// TooLong are the samples that left because they had more tokens than remained when their turn
	// came, in the order of their leaving.
	TooLong []uint32 `json:"-"`
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
	Round      uint32 // from 1; 0 where the rule is not ByTurn
	Capability uint32 // index into Result.Capabilities; None where the rule is not ByTurn
	Bin        uint32 // index into Result.Bins; None where the rule is not ByTurn
	// Rank is the sample's position, from 1, in the order of the candidates that the bin held when
	// the capability's turn began; for other rules in Params.Include, in the order of the source's
	// samples, or in the strategy's order.
	Rank uint32
	Rule Rule
}

// None stands for no capability and no bin.
const None = math.MaxUint32

// A Rule is what picked a sample.
type Rule uint8

// The rules.
const (
	ByTurn     Rule = iota // a capability's turn
	ByInclude              // Params.Include
	ByMinimum              // Params.Minimums
	ByStrategy             // the order of a strategy other than MMSSR
)

// String is "turn", "include", "minimum" or "strategy".
func (r Rule) String() string {
	return [...]string{"turn", "include", "minimum", "strategy"}[r]
}

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
// Time is linear in the styles of all samples and in the samples times the capabilities, and so is
// memory in the samples: beside the pool about 22 bytes a sample, 40 a pick and 60 for each pair of a
// bin and a capability.
func Select(pool *Pool, params Params) (*Result, error) {
	if err := pool.Validate(); err != nil {
		return nil, err
	}
	if err := params.Validate(pool); err != nil {
		return nil, fmt.Errorf("checking the selection's parameters: %w", err)
	}
	return newSelector(pool, params).run(), nil
}

// SelectNested makes a selection for each of the budgets, which replace Params.Budget, from the
// smallest to the largest; each takes all of the one before it as further must-includes, in the
// order in which they were picked. Budgets must ascend. Example: 5 %, 10 % and 30 % of a pool, to
// see what more data brings.
func SelectNested(pool *Pool, params Params, budgets ...int) ([]*Result, error) {
	var results []*Result
	include := slices.Clone(params.Include)
	for i, budget := range budgets {
		if i > 0 && budget <= budgets[i-1] {
			return nil, fmt.Errorf("budgets: %d follows %d; the least is %d", budget, budgets[i-1], budgets[i-1]+1)
		}
		params.Budget, params.Include = budget, include
		result, err := Select(pool, params)
		if err != nil {
			return nil, fmt.Errorf("selecting %d: %w", budget, err)
		}
		results = append(results, result)
		include = result.Samples()
	}
	return results, nil
}
