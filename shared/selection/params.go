package selection

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Params are the parameters of a selection from a pool. The zero Rules are the paper's method.
type Params struct {
	// Budget is the number of samples to pick, from 1 to the length of the pool. With InTokens it is the number of tokens,
	// from 1 to the sum of the pool.
	Budget int `json:"budget"`
	// InTokens makes Budget a number of tokens, as Pool.Tokens counts them: {Budget: 200_000_000, InTokens: true}. Then a
	// capability's amount in a round, and a bin's share, are also numbers of tokens, computed in the same way from the
	// remaining tokens. A bin gives samples until their tokens reach its share plus the debt. The last sample may exceed
	// this number; then there is no debt. A turn ends when its samples reach the capability's amount. If the next sample
	// has more tokens than remain, it is removed, so the budget is never exceeded. If each sample has one token, the
	// selection is the same as in samples.
	InTokens bool `json:"in_tokens,omitempty"`
	Rules
	// Exclude has the positions in the pool of samples that are never picked.
	Exclude []uint32 `json:"exclude,omitempty"`
	// Near has the positions in the pool of samples that are near an item of an evaluation set. They are never picked.
	Near []uint32 `json:"near,omitempty"`
	// Include has the positions in the pool of samples that are picked first, in this order, with any ratings. They count
	// against the budget and the caps. A repeated position counts once.
	Include []uint32 `json:"include,omitempty"`
}

// capabilities returns the capabilities of the parameters; if there are none, the capabilities of the pool.
func (p Params) capabilities(pool *Pool) []string {
	if len(p.Capabilities) == 0 {
		return pool.Capabilities
	}
	return p.Capabilities
}

// expected returns the expected scores of a capability, if they break ties among equal ratings; otherwise nil.
func (p Params) expected(pool *Pool, capability string) []uint16 {
	if p.RatingsOnly || p.TieBreak != "" || pool.Expected == nil {
		return nil
	}
	return pool.Expected[pool.column(capability)]
}

// threshold returns the threshold of a capability, limited to the range of ratings.
func (p Params) threshold(capability string) int32 {
	return int32(min(max(p.ThresholdOf(capability), Missing), math.MaxInt8))
}

// weight returns the weight of a capability; 1 by default.
func (p Params) weight(capability string) float64 {
	if weight, own := p.Weights[capability]; own {
		return weight
	}
	return 1
}

// cost returns the amount of the budget that a sample takes.
func (p *Params) cost(pool *Pool, s uint32) int {
	if p.InTokens {
		return int(pool.Tokens[s])
	}
	return 1
}

// Validate returns an error for all parameters that contradict each other or the pool, with the reason and the nearest
// possible value. The pool must be valid.
func (p Params) Validate(pool *Pool) error {
	if pool.Len() == 0 {
		return errors.New("the pool is empty: there is nothing to select from")
	}
	if len(pool.Capabilities) == 0 {
		return errors.New("capabilities: the pool has no ratings")
	}
	err := errors.Join(
		p.validateNames(pool.Capabilities, pool.StyleNames), p.validateSources(pool), p.validateChoices(),
		p.validateColumns(pool),
		p.validateBudget(pool), p.Caps.validate(pool))
	if err != nil {
		return err
	}
	return p.validateLists(pool)
}

// validateSources returns an error if the parameters name sources that the pool does not have.
func (p Params) validateSources(pool *Pool) error {
	return errors.Join(
		p.Sources.validate("sources", pool.SourceNames),
		unknownNames("mix: sources", slices.Sorted(maps.Keys(p.Mix.Sources)), pool.SourceNames...),
		unknownNames("minimums", slices.Sorted(maps.Keys(p.Minimums)), pool.SourceNames...))
}

func (p Params) validateBudget(pool *Pool) error {
	if !p.InTokens {
		if p.Budget < 1 || p.Budget > pool.Len() {
			return fmt.Errorf("budget: %d samples cannot be selected from %d; give 1 to %d",
				p.Budget, pool.Len(), pool.Len())
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
	if least := smallestSample(pool); p.Budget < least {
		return fmt.Errorf("budget: %d tokens are less than any sample has; give %d-tokens or more", p.Budget, least)
	}
	if p.Budget < 1 || p.Budget > total {
		return fmt.Errorf("budget: %d tokens cannot be selected from %d; give 1 to %d", p.Budget, total, total)
	}
	return nil
}

// smallestSample returns the smallest number of tokens of a sample that can be picked, because it has a style; 0 if
// there is no such sample.
func smallestSample(pool *Pool) int {
	least := 0
	for s, tokens := range pool.Tokens {
		if len(pool.styles(uint32(s))) > 0 && tokens > 0 && (least == 0 || int(tokens) < least) {
			least = int(tokens)
		}
	}
	return least
}

// validateLists makes the checks that depend on the samples that take part.
func (p Params) validateLists(pool *Pool) error {
	faults := []error{
		noSuchSample("exclude", p.Exclude, pool), noSuchSample("exclude_near", p.Near, pool),
		noSuchSample("include", p.Include, pool),
	}
	if p.Strategy == Longest && pool.Answers == nil {
		faults = append(faults, errors.New("strategy: the tokens of the pool's answers are not known; use another strategy"))
	}
	if p.Unique && pool.Twin == nil {
		faults = append(faults, errors.New("unique: the hashes of the pool's samples are not known; remove unique"))
	}
	if err := errors.Join(faults...); err != nil || len(p.Include) == 0 && len(p.Minimums) == 0 && p.Mix.IsZero() {
		return err
	}

	eligibility := newEligibility(pool, p)
	included, err := p.validateIncludes(pool, eligibility)
	if err != nil {
		return err
	}
	return errors.Join(p.Caps.validateIncludes(p, pool), p.validateMinimums(pool, eligibility, included),
		p.validateMix(pool, eligibility, included))
}

// noSuchSample returns an error if positions in a list are outside of the pool.
func noSuchSample(field string, samples []uint32, pool *Pool) error {
	var faults []error
	for _, s := range samples {
		if int64(s) >= int64(pool.Len()) {
			faults = append(faults, fmt.Errorf("%s: there is no sample %d; the last is %d", field, s, pool.Len()-1))
		}
	}
	return errors.Join(faults...)
}

// A KeptOutError reports that a sample must be included, but another parameter excludes it.
type KeptOutError struct {
	Sample uint32 // position in the pool, from 0
	Reason Reason // excluded, filtered_by_source, ...
}

// Error names the sample by its position, because its id is not known here.
func (e *KeptOutError) Error() string { return e.Of(fmt.Sprintf("at position %d", e.Sample)) }

// Of returns the text of the error with a name of the sample.
func (e *KeptOutError) Of(name string) string {
	return fmt.Sprintf("include: sample %s is excluded by another parameter (%s); remove one of the two", name, e.Reason)
}

// An inclusion describes the must-includes: their positions, their number in each source, and the part of the budget
// that they use.
type inclusion struct {
	marks    bitset
	bySource []int
	spent    int
}

// validateIncludes returns an error if must-includes do not take part, or exceed the budget.
func (p Params) validateIncludes(pool *Pool, eligibility *eligibility) (inclusion, error) {
	included := inclusion{marks: newBitset(pool.Len()), bySource: make([]int, len(pool.SourceNames))}
	var faults []error
	for _, s := range p.Include {
		if reason := eligibility.reason(s); reason != "" {
			faults = append(faults, &KeptOutError{s, reason})
		}
		if !included.marks.has(s) {
			included.marks.set(s)
			included.spent += p.cost(pool, s)
			included.bySource[pool.Source[s]]++
		}
	}
	if included.spent > p.Budget {
		faults = append(faults, fmt.Errorf(
			"budget: %d is less than the %d of the samples to include; the least is %d",
			p.Budget, included.spent, included.spent))
	}
	return included, errors.Join(faults...)
}

// validateMinimums returns an error if minimums are not possible with the sources' samples, their cap or the budget.
func (p Params) validateMinimums(pool *Pool, eligibility *eligibility, included inclusion) error {
	if len(p.Minimums) == 0 {
		return nil
	}
	var faults []error
	possible := slices.Clone(included.bySource)
	rated := p.rated(pool)
	for s := range uint32(pool.Len()) {
		if !included.marks.has(s) && rated.has(s) && eligibility.reason(s) == "" {
			possible[pool.Source[s]]++
		}
	}
	spent := included.spent
	for _, name := range slices.Sorted(maps.Keys(p.Minimums)) {
		source := slices.Index(pool.SourceNames, name)
		least := p.Minimums[name]
		if least > possible[source] {
			faults = append(faults, fmt.Errorf("minimums: %d samples of %q cannot be selected; the most is %d",
				least, name, possible[source]))
		} else {
			spent += max(least-included.bySource[source], 0)
		}
		if most := p.Caps.Source; !most.IsZero() && !most.inTokens(p) && least > most.of(p.Budget) {
			faults = append(faults, fmt.Errorf("minimums: %d samples of %q exceed the cap of a source; the most is %d",
				least, name, most.of(p.Budget)))
		}
	}
	if !p.InTokens && spent > p.Budget {
		faults = append(faults, fmt.Errorf(
			"budget: %d is less than the %d samples that minimums and includes require; the least is %d",
			p.Budget, spent, spent))
	}
	return errors.Join(faults...)
}

// rated returns the set of samples that have a style and a rating for a capability of the selection.
func (p Params) rated(pool *Pool) bitset {
	rated := newBitset(pool.Len())
	for _, name := range p.capabilities(pool) {
		for s, rating := range pool.Ratings[pool.column(name)] {
			if rating != Missing && pool.StyleStart[s] < pool.StyleStart[s+1] {
				rated.set(uint32(s))
			}
		}
	}
	return rated
}
