package selection

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Params says what to select. Its zero values are the paper's method; each field tells what else
// there is. They are applied in this order: filters (Styles, Sources), Unique, Exclude, Include,
// Minimums, and Caps while the strategy picks.
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
	// Strategy is how to pick; empty means MMSSR.
	Strategy Strategy `json:"strategy,omitempty"`
	// Seed decides the order of Random and Stratified.
	Seed uint64 `json:"seed,omitempty"`
	// Capabilities are those that take turns, in this order. Empty means all of the pool's, in its
	// order. Example: {"data understanding", "optical character recognition"} selects for documents.
	Capabilities []string `json:"capabilities,omitempty"`
	// Weights divide a round among the capabilities that are still live: one of them may pick
	// max(floor(remaining * weight / sum of live weights), 1). A capability without one weighs 1.
	// Example: {"stem knowledge": 3} gives it three times the part of any other.
	Weights map[string]float64 `json:"weights,omitempty"`
	// Threshold is the rating that a sample must exceed to be picked for a capability.
	Threshold int `json:"threshold"`
	// Thresholds replace Threshold for single capabilities. Example: {"humanities": 2}.
	Thresholds map[string]int `json:"thresholds,omitempty"`
	// WithinBin is the order within a bin; empty means ByPosition.
	WithinBin Order `json:"within_bin,omitempty"`
	// RatingsOnly makes equal ratings go to the lower index, as in the reference; expected scores,
	// sums and tie hashes are then not looked at.
	RatingsOnly bool `json:"ratings_only,omitempty"`
	// Styles keeps the samples that have one of the styles in Keep (all, where it is empty) and none
	// of those in Drop. It changes no sample: one that stays is in the bins of all its styles.
	// Example: {Drop: {"multi-choice", "yes/no"}}.
	Styles Filter `json:"styles,omitzero"`
	// Sources keeps the samples of the sources in Keep (all, where it is empty) but for those in
	// Drop. Example: {Keep: {"ai2d", "chartqa"}}.
	Sources Filter `json:"sources,omitzero"`
	// Unique leaves one of all samples with the same Pool.Content, that of the lowest index, then of
	// the lowest position, among those that the filters keep.
	Unique bool `json:"unique,omitempty"`
	// Exclude lists positions in the pool of samples never to be picked.
	Exclude []uint32 `json:"exclude,omitempty"`
	// Include lists positions in the pool of samples that are picked first, in this order, whatever
	// their ratings. They count against the budget and the caps. One listed again counts once.
	Include []uint32 `json:"include,omitempty"`
	// Minimums are the least numbers of samples of sources. What a source lacks after Include is
	// picked before the first round: sources ascending by name, the best mean rating over the
	// selection's capabilities first, whatever the threshold. Example: {"geo170k": 500}.
	Minimums map[string]int `json:"minimums,omitempty"`
	// Caps are the most that one source, style or image may have of the selection.
	Caps Caps `json:"caps,omitzero"`
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

// takesTurns says whether the strategy is MMSSR.
func (p Params) takesTurns() bool { return p.Strategy == "" || p.Strategy == MMSSR }

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
	if err := errors.Join(p.validateNames(pool), p.ValidateChoices(), p.validateBudget(pool), p.Caps.validate(pool)); err != nil {
		return err
	}
	return p.validateLists(pool)
}

func (p Params) validateNames(pool *Pool) error {
	var faults []error
	known := func(field string, names, all []string) {
		for _, name := range names {
			if !slices.Contains(all, name) {
				faults = append(faults, fmt.Errorf("%s: %q is unknown; known are: %s", field, name, strings.Join(all, ", ")))
			}
		}
	}
	known("capabilities", p.Capabilities, pool.Capabilities)
	if name, twice := duplicate(p.Capabilities); twice {
		faults = append(faults, fmt.Errorf("capabilities: %q is named twice; name it once", name))
	}
	known("weights", slices.Sorted(maps.Keys(p.Weights)), p.capabilities(pool))
	known("thresholds", slices.Sorted(maps.Keys(p.Thresholds)), p.capabilities(pool))
	known("minimums", slices.Sorted(maps.Keys(p.Minimums)), pool.SourceNames)
	for _, f := range []struct {
		field  string
		filter Filter
		all    []string
	}{{"styles", p.Styles, pool.StyleNames}, {"sources", p.Sources, pool.SourceNames}} {
		known(f.field+": keep", f.filter.Keep, f.all)
		known(f.field+": drop", f.filter.Drop, f.all)
		for _, name := range f.filter.Keep {
			if slices.Contains(f.filter.Drop, name) {
				faults = append(faults, fmt.Errorf("%s: %q is both kept and dropped; name it in one of the two", f.field, name))
			}
		}
	}
	return errors.Join(faults...)
}

// ValidateChoices checks what can be told without a pool: strategy, order, weights, and what goes with what.
func (p Params) ValidateChoices() error {
	var faults []error
	if !slices.Contains([]Strategy{"", MMSSR, Random, Top, Stratified}, p.Strategy) {
		faults = append(faults, fmt.Errorf("strategy: %q is unknown; known are: %s, %s, %s, %s", p.Strategy, MMSSR, Random, Top, Stratified))
	}
	if !slices.Contains([]Order{"", ByPosition, ByScore}, p.WithinBin) {
		faults = append(faults, fmt.Errorf("within_bin: %q is unknown; known are: %s, %s", p.WithinBin, ByPosition, ByScore))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Weights)) {
		if w := p.Weights[name]; !(w >= leastWeight && w <= 1/leastWeight) {
			faults = append(faults, fmt.Errorf("weights: %q weighs %v; give %v to %v, or leave it out of the capabilities", name, w, leastWeight, 1/leastWeight))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Minimums)) {
		if n := p.Minimums[name]; n < 1 {
			faults = append(faults, fmt.Errorf("minimums: %q has %d; the least is 1", name, n))
		}
	}
	if !p.takesTurns() {
		for _, knob := range []struct {
			field string
			given bool
		}{
			{"weights", len(p.Weights) > 0},
			{"threshold", p.Threshold != 0},
			{"thresholds", len(p.Thresholds) > 0},
			{"within_bin", p.WithinBin != ""},
		} {
			if knob.given {
				faults = append(faults, fmt.Errorf("%s: strategy %q does not use it; leave it out, or use %q", knob.field, p.Strategy, MMSSR))
			}
		}
	}
	return errors.Join(faults...)
}

// leastWeight and its inverse bound weights, so that no sum of them overflows or loses one.
const leastWeight = 1e-6

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
	if p.Unique && pool.Content == nil {
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
