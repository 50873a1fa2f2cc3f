package selection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rules say how to select. They are the part of a selection's parameters that is the same whether samples are named
// by their ids (Request) or by their positions in a pool (Params). The zero Rules are the paper's method; each field
// says what else there is. They are applied in this order: filters (Styles, Sources), Unique, must-excludes,
// must-includes, Minimums, and Caps while the strategy picks.
type Rules struct {
	// Capabilities are those that take turns, in this order. Empty means all of the pool's, in its
	// order. Example: {"data understanding", "optical character recognition"} selects for documents.
	Capabilities []string `yaml:"capabilities" json:"capabilities,omitempty"`
	// Weights divide a round among the capabilities that are still live: one of them may pick
	// max(floor(remaining * weight / sum of live weights), 1). A capability without one weighs 1.
	// Example: {"stem knowledge": 3} gives it three times the part of any other.
	Weights map[string]float64 `yaml:"weights" json:"weights,omitempty"`
	// Threshold is the rating that a sample must exceed to be picked for a capability.
	Threshold int `yaml:"threshold" json:"threshold,omitempty"`
	// Thresholds replace Threshold for single capabilities. Example: {"humanities": 2}.
	Thresholds map[string]int `yaml:"thresholds" json:"thresholds,omitempty"`
	// WithinBin is the order within a bin; empty means ByPosition.
	WithinBin Order `yaml:"within_bin" json:"within_bin,omitempty"`
	// RatingsOnly makes equal ratings go to the lower index, as in the reference; expected scores,
	// sums and tie hashes are then not looked at.
	RatingsOnly bool `yaml:"ratings_only" json:"ratings_only,omitempty"`
	// Strategy is how to pick; empty means MMSSR.
	Strategy Strategy `yaml:"strategy" json:"strategy,omitempty"`
	// Seed decides which of equally good samples are taken, and the order of Random and Stratified.
	Seed uint64 `yaml:"seed" json:"seed,omitempty"`
	// Styles keeps the samples that have one of the styles in Keep (all, where it is empty) and none
	// of those in Drop. It changes no sample: one that stays is in the bins of all its styles.
	// Example: {Drop: {"multi-choice", "yes/no"}}.
	Styles Filter `yaml:"styles" json:"styles,omitzero"`
	// Sources keeps the samples of the sources in Keep (all, where it is empty) but for those in
	// Drop. Example: {Keep: {"ai2d", "chartqa"}}.
	Sources Filter `yaml:"sources" json:"sources,omitzero"`
	// Unique leaves one of all samples with the same texts and images (Pool.Twin), that of the lowest index, then of
	// the lowest position, among those that the filters keep.
	Unique bool `yaml:"unique" json:"unique,omitempty"`
	// Minimums are the least numbers of samples of sources. What a source lacks after the must-includes is
	// picked before the first round: sources ascending by name, the best mean rating over the
	// selection's capabilities first, whatever the threshold. Example: {"geo170k": 500}.
	Minimums map[string]int `yaml:"minimums" json:"minimums,omitempty"`
	// Caps are the most that one source, style or image may have of the selection.
	Caps Caps `yaml:"caps" json:"caps,omitzero"`
}

// validateNames reports every capability and style that is named and not among these, and every name in a list twice.
func (r Rules) validateNames(capabilities, styles []string) error {
	var faults []error
	known := func(field string, names, all []string) {
		faults = append(faults, unknownNames(field, names, all))
	}
	known("capabilities", r.Capabilities, capabilities)
	if name, twice := duplicate(r.Capabilities); twice {
		faults = append(faults, fmt.Errorf("capabilities: %q is named twice; name it once", name))
	}
	live := capabilities
	if len(r.Capabilities) > 0 {
		live = r.Capabilities
	}
	known("weights", slices.Sorted(maps.Keys(r.Weights)), live)
	known("thresholds", slices.Sorted(maps.Keys(r.Thresholds)), live)
	faults = append(faults, r.Styles.validate("styles", styles))
	return errors.Join(faults...)
}

// unknownNames reports the names that are not among all.
func unknownNames(field string, names, all []string) error {
	var faults []error
	for _, name := range names {
		if !slices.Contains(all, name) {
			faults = append(faults, fmt.Errorf("%s: %q is unknown; known are: %s", field, name, strings.Join(all, ", ")))
		}
	}
	return errors.Join(faults...)
}

// validateChoices checks what can be checked without a pool: strategy, order, weights, and what goes with what.
func (r Rules) validateChoices() error {
	var faults []error
	if !slices.Contains([]Strategy{"", MMSSR, Random, Top, Stratified}, r.Strategy) {
		faults = append(faults, fmt.Errorf("strategy: %q is unknown; known are: %s, %s, %s, %s",
			r.Strategy, MMSSR, Random, Top, Stratified))
	}
	if !slices.Contains([]Order{"", ByPosition, ByScore}, r.WithinBin) {
		faults = append(faults, fmt.Errorf("within_bin: %q is unknown; known are: %s, %s", r.WithinBin, ByPosition, ByScore))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Weights)) {
		if w := r.Weights[name]; !(w >= leastWeight && w <= 1/leastWeight) {
			faults = append(faults, fmt.Errorf("weights: %q weighs %v; give %v to %v, or leave it out of the capabilities",
				name, w, leastWeight, 1/leastWeight))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Minimums)) {
		if n := r.Minimums[name]; n < 1 {
			faults = append(faults, fmt.Errorf("minimums: %q has %d; the least is 1", name, n))
		}
	}
	return errors.Join(append(faults, r.validateUnused())...)
}

// validateUnused reports the rules of MMSSR that are set for another strategy, which would ignore them.
func (r Rules) validateUnused() error {
	if r.takesTurns() {
		return nil
	}
	var faults []error
	for _, rule := range []struct {
		field string
		given bool
	}{
		{"weights", len(r.Weights) > 0},
		{"threshold", r.Threshold != 0},
		{"thresholds", len(r.Thresholds) > 0},
		{"within_bin", r.WithinBin != ""},
	} {
		if rule.given {
			faults = append(faults, fmt.Errorf("%s: strategy %q does not use it; leave it out, or use %q",
				rule.field, r.Strategy, MMSSR))
		}
	}
	return errors.Join(faults...)
}

// leastWeight and its inverse bound weights, so that no sum of them overflows or loses one.
const leastWeight = 1e-6

// takesTurns says whether the strategy is MMSSR.
func (r Rules) takesTurns() bool { return r.Strategy == "" || r.Strategy == MMSSR }
