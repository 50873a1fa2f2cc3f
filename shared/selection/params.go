package selection

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Params say what to select from a pool. The zero Rules are the paper's method.
type Params struct {
	// Budget is the number of samples to pick, from 1 to the length of the pool; with InTokens the
	// number of tokens, from 1 to the pool's sum.
	Budget int `json:"budget"`
	// InTokens makes Budget a number of tokens, as Pool.Tokens counts them: {Budget: 200_000_000,
	// InTokens: true}. A capability's part of a round and a bin's share are then tokens too, the same
	// divisions of the tokens that remain: a bin gives samples until they reach its share and the
	// debt (the last of them may exceed it, which leaves no debt), and a turn ends once they reach
	// the capability's part. A sample whose turn comes while it has more tokens than remain leaves
	// for good, so that the budget is never exceeded. With one token a sample, tokens are samples.
	InTokens bool `json:"in_tokens,omitempty"`
	Rules
	// Exclude lists positions in the pool of samples never to be picked.
	Exclude []uint32 `json:"exclude,omitempty"`
	// Include lists positions in the pool of samples that are picked first, in this order, whatever
	// their ratings. They count against the budget and the caps. One listed again counts once.
	Include []uint32 `json:"include,omitempty"`
}

// A Strategy is a way of picking.
type Strategy string

// The strategies. All but the first are baselines to compare with: they go down one order of all
// samples that have a style and a rating for one of the selection's capabilities at least, and take
// what the budget and the caps let them.
const (
	// MMSSR lets capabilities take turns, as the package's comment says.
	MMSSR Strategy = "mmssr"
	// Random is a random order, decided by the seed.
	Random Strategy = "random"
	// Top goes by descending mean expected score over the selection's capabilities (the mean rating
	// where there are none, or with RatingsOnly), with no regard to diversity.
	Top Strategy = "top"
	// Stratified is a random order within each source, and takes from all sources at the same pace:
	// at any budget a source has its share of the pool, give or take one sample.
	Stratified Strategy = "stratified"
)

// An Order is how the candidates of a capability are ordered within a bin. What it leaves equal goes
// to the higher expected score, then to the higher sum over all capabilities of the pool, to the
// lower tie hash, to the lower index; with RatingsOnly to the lower index at once.
type Order string

// The orders.
const (
	// ByPosition puts the samples that name the bin's style first before those that name it second,
	// and so on; within such a position the higher rating goes first. It is the reference's.
	ByPosition Order = "position"
	// ByScore puts the higher rating first; within a rating the position decides.
	ByScore Order = "score"
)

// capabilities are those of the parameters, or the pool's.
func (p Params) capabilities(pool *Pool) []string {
	if len(p.Capabilities) == 0 {
		return pool.Capabilities
	}
	return p.Capabilities
}

// threshold is that of a capability. Missing is the lowest of all ratings, so none need lie below
// it, nor above the highest.
func (p Params) threshold(capability string) int32 {
	threshold, own := p.Thresholds[capability]
	if !own {
		threshold = p.Threshold
	}
	return int32(min(max(threshold, Missing), math.MaxInt16))
}

// weight is that of a capability.
func (p Params) weight(capability string) float64 {
	if weight, own := p.Weights[capability]; own {
		return weight
	}
	return 1
}

// cost is what a sample takes of the budget.
func (p *Params) cost(pool *Pool, s uint32) int {
	if p.InTokens {
		return int(pool.Tokens[s])
	}
	return 1
}

// Validate reports all parameters that contradict each other or do not suit the pool, which must be
// valid, each with the reason and the nearest possible value.
func (p Params) Validate(pool *Pool) error {
	if pool.Len() == 0 {
		return fmt.Errorf("the pool is empty: there is nothing to select from")
	}
	if len(pool.Capabilities) == 0 {
		return fmt.Errorf("capabilities: the pool is rated on none")
	}
	if err := errors.Join(p.validateNames(pool.Capabilities, pool.StyleNames), p.validateSources(pool), p.validateChoices(),
		p.validateBudget(pool), p.Caps.validate(pool)); err != nil {
		return err
	}
	return p.validateLists(pool)
}

// validateSources reports every source that is named and not in the pool.
func (p Params) validateSources(pool *Pool) error {
	return errors.Join(
		p.Sources.validate("sources", pool.SourceNames),
		unknownNames("minimums", slices.Sorted(maps.Keys(p.Minimums)), pool.SourceNames))
}

func (p Params) validateBudget(pool *Pool) error {
	if !p.InTokens {
		if p.Budget < 1 || p.Budget > pool.Len() {
			return fmt.Errorf("budget: %d samples cannot be selected from %d; give 1 to %d", p.Budget, pool.Len(), pool.Len())
		}
		return nil
	}
	if pool.Tokens == nil {
		return errors.New("budget: the pool's tokens are not known; give a budget in samples")
	}
	total := 0
	for _, tokens := range pool.Tokens {
		total += int(tokens)
	}
	if total == 0 {
		return errors.New("budget: no sample of the pool has tokens; give a budget in samples")
	}
	if p.Budget < 1 || p.Budget > total {
		return fmt.Errorf("budget: %d tokens cannot be selected from %d; give 1 to %d", p.Budget, total, total)
	}
	return nil
}

// validateLists checks what needs to know which samples take part.
func (p Params) validateLists(pool *Pool) error {
	var faults []error
	for _, list := range []struct {
		field   string
		samples []uint32
	}{{"exclude", p.Exclude}, {"include", p.Include}} {
		for _, s := range list.samples {
			if int64(s) >= int64(pool.Len()) {
				faults = append(faults, fmt.Errorf("%s: there is no sample %d; the last is %d", list.field, s, pool.Len()-1))
			}
		}
	}
	if p.Unique && pool.Twin == nil {
		faults = append(faults, errors.New("unique: the pool's contents are not known; leave it out"))
	}
	if len(faults) > 0 || len(p.Include) == 0 && len(p.Minimums) == 0 {
		return errors.Join(faults...)
	}

	gate := newGate(pool, p)
	included := newBitset(pool.Len())
	spent := 0
	from := make([]int, len(pool.SourceNames))
	for _, s := range p.Include {
		if verdict := gate.verdict(s); verdict != "" {
			faults = append(faults, fmt.Errorf("include: sample %d is kept out by %s; leave one of the two out", s, verdict))
		}
		if !included.has(s) {
			included.set(s)
			spent += p.cost(pool, s)
			from[pool.Source[s]]++
		}
	}
	if spent > p.Budget {
		faults = append(faults, fmt.Errorf("budget: %d is less than the %d of what is to be included; the least is %d", p.Budget, spent, spent))
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	faults = append(faults, p.Caps.validateIncludes(p, pool))
	faults = append(faults, p.validateMinimums(pool, gate, included, from, spent))
	return errors.Join(faults...)
}

func (p Params) validateMinimums(pool *Pool, gate *gate, included bitset, from []int, spent int) error {
	if len(p.Minimums) == 0 {
		return nil
	}
	var faults []error
	can := slices.Clone(from)
	rated := p.rated(pool)
	for s := range uint32(pool.Len()) {
		if !included.has(s) && rated.has(s) && gate.verdict(s) == "" {
			can[pool.Source[s]]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Minimums)) {
		source := slices.Index(pool.SourceNames, name)
		if least := p.Minimums[name]; least > can[source] {
			faults = append(faults, fmt.Errorf("minimums: %d samples of %q cannot be selected; the most is %d", least, name, can[source]))
		} else {
			spent += max(least-from[source], 0)
		}
		if most := p.Caps.Source; !most.IsZero() && !p.Caps.Source.inTokens(p) && p.Minimums[name] > most.of(p.Budget) {
			faults = append(faults, fmt.Errorf("minimums: %d samples of %q exceed the cap of a source; the most is %d", p.Minimums[name], name, most.of(p.Budget)))
		}
	}
	if !p.InTokens && spent > p.Budget {
		faults = append(faults, fmt.Errorf("budget: %d is less than the %d samples that minimums and includes ask for; the least is %d", p.Budget, spent, spent))
	}
	return errors.Join(faults...)
}

// rated marks the samples that have a style and a rating for a capability of the selection.
func (p Params) rated(pool *Pool) bitset {
	rated := newBitset(pool.Len())
	for _, name := range p.capabilities(pool) {
		for s, rating := range pool.Ratings[slices.Index(pool.Capabilities, name)] {
			if rating != Missing && pool.StyleStart[s] < pool.StyleStart[s+1] {
				rated.set(uint32(s))
			}
		}
	}
	return rated
}
