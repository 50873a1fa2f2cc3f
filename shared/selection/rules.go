package selection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rules say how to select. They are what a Request, which names samples by their ids, and Params,
// which name them by their positions in a pool, have in common. The zero Rules are the paper's
// method; each field says what else there is. They are applied in this order: filters (Styles,
// Sources, Where), Unique, must-excludes, must-includes, Minimums, Mix, and Caps while the strategy picks.
type Rules struct {
	// Capabilities are the capabilities that take turns, in this order. Empty means all of the pool's, in its
	// order. Example: {"data understanding", "optical character recognition"} selects for documents.
	Capabilities []string `yaml:"capabilities" json:"capabilities,omitempty"`
	// Weights divide a round among the capabilities that still have candidates: one of them may pick
	// max(floor(remaining * weight / sum of their weights), 1). A capability without one weighs 1.
	// Example: {"stem knowledge": 3} gives it three times the amount of any other.
	Weights map[string]float64 `yaml:"weights" json:"weights,omitempty"`
	// Threshold is the rating that a sample must exceed to be picked for a capability.
	Threshold int `yaml:"threshold" json:"threshold,omitempty"`
	// Thresholds replace Threshold for single capabilities. Example: {"humanities": 2}.
	Thresholds map[string]int `yaml:"thresholds" json:"thresholds,omitempty"`
	// WithinBin is the order within a bin; empty means ByPosition.
	WithinBin BinOrder `yaml:"within_bin" json:"within_bin,omitempty"`
	// RatingsOnly makes the lower index go first among equal ratings, as in the reference; expected
	// scores, sums and tie hashes are then not used.
	RatingsOnly bool `yaml:"ratings_only" json:"ratings_only,omitempty"`
	// Strategy is how to pick; empty means MMSSR.
	Strategy Strategy `yaml:"strategy" json:"strategy,omitempty"`
	// By is the column that Top goes by, in place of the mean: the higher number first, with a minus before the name the
	// lower one; samples without a number last. Example: "relevance", "-perplexity".
	By string `yaml:"by" json:"by,omitempty"`
	// TieBreak is the column that decides among samples of equal rating, in place of the expected score, and in the same
	// form as By.
	TieBreak string `yaml:"tie_break" json:"tie_break,omitempty"`
	// Seed decides which of equally good samples are taken, and the order of Random and Stratified.
	Seed uint64 `yaml:"seed" json:"seed,omitempty"`
	// Styles keeps the samples that have one of the styles in Keep (all, if it is empty) and none of
	// those in Drop. It changes no sample: one that is kept is in the bins of all its styles.
	// Example: {Drop: {"multi-choice", "yes/no"}}.
	Styles Filter `yaml:"styles" json:"styles,omitzero"`
	// Sources keeps the samples of the sources in Keep (all, if it is empty) except those
	// in Drop. Example: {Keep: {"ai2d", "chartqa"}}.
	Sources Filter `yaml:"sources" json:"sources,omitzero"`
	// Where keeps the samples that fulfil all of these conditions. Example: {"relevance_min>=3"}.
	Where []Condition `yaml:"where" json:"where,omitempty"`
	// Unique keeps one of the samples with the same texts and images (Pool.Twin): of those that pass the filters the one
	// with the lowest index, then the lowest position.
	Unique bool `yaml:"unique" json:"unique,omitempty"`
	// Minimums are the least numbers of samples of sources. What a source lacks after the must-includes is
	// picked before the first round: sources ascending by name, the best mean rating over the
	// selection's capabilities first, at any threshold. Example: {"geo170k": 500}.
	Minimums map[string]int `yaml:"minimums" json:"minimums,omitempty"`
	// Mix says how much of the selection sources and styles have. What one lacks of its least is picked after Minimums,
	// as these are; its most is a cap.
	Mix Mix `yaml:"mix" json:"mix,omitzero"`
	// Caps are the most that one source, style or image may have of the selection.
	Caps Caps `yaml:"caps" json:"caps,omitzero"`
}

// A Strategy is a way of picking.
type Strategy string

// The strategies. Random, Top, Stratified and Longest are baselines to compare with: they pick in one order of
// all samples that have a style and a rating for at least one of the selection's capabilities, as far
// as the budget and the caps allow.
const (
	// MMSSR lets capabilities take turns, as the package comment says.
	MMSSR Strategy = "mmssr"
	// Descending is experimental: no training has measured it. If the budget has at least four times as
	// many samples (of mean tokens, in tokens) as bins that hold a candidate, each bin gives its one best
	// sample first: that of the highest rating on a capability for which it is a candidate, then as among
	// equals. Then capabilities take turns as by MMSSR among the samples rated above 3, until no candidate
	// is left, then above 2, 1 and 0. A threshold that is higher takes the place of these, and so does one
	// below 0 in the end.
	Descending Strategy = "descending"
	// Random is a random order, decided by the seed.
	Random Strategy = "random"
	// Top goes by descending mean expected score over the selection's capabilities (the mean rating
	// if there are none, or with RatingsOnly), without diversity.
	Top Strategy = "top"
	// Stratified is a random order within each source, and picks from all sources in proportion: at
	// any budget a source has its share of the pool to within one sample.
	Stratified Strategy = "stratified"
	// Longest goes by descending tokens of the answers, all turns of the model.
	Longest Strategy = "longest"
)

// StrategyNames are all of them, the default first.
func StrategyNames() []string {
	return []string{
		string(MMSSR), string(Descending), string(Random), string(Top), string(Stratified), string(Longest),
	}
}

// A BinOrder is how the candidates of a capability are ordered within a bin. Among equals the higher
// expected score goes first, then the higher sum over all capabilities of the pool, the lower tie
// hash, the lower index; with RatingsOnly the lower index immediately.
type BinOrder string

// The orders within a bin.
const (
	// ByPosition puts the samples that name the bin's style first before those that name it second,
	// and so on; within such a position the higher rating goes first. It is the reference's.
	ByPosition BinOrder = "position"
	// ByScore puts the higher rating first; within a rating the position decides.
	ByScore BinOrder = "score"
)

// validateNames reports every capability and style that is named and not among these, and every
// capability that is named twice.
func (r Rules) validateNames(capabilities, styles []string) error {
	faults := []error{unknownNames("capabilities", r.Capabilities, capabilities...)}
	if name, twice := duplicate(r.Capabilities); twice {
		faults = append(faults, fmt.Errorf("capabilities: %q is named twice; name it once", name))
	}
	if len(r.Capabilities) > 0 {
		capabilities = r.Capabilities
	}
	return errors.Join(append(faults,
		unknownNames("weights", slices.Sorted(maps.Keys(r.Weights)), capabilities...),
		unknownNames("thresholds", slices.Sorted(maps.Keys(r.Thresholds)), capabilities...),
		unknownNames("mix: styles", slices.Sorted(maps.Keys(r.Mix.Styles)), styles...),
		r.Styles.validate("styles", styles))...)
}

// An UnknownNameError is a name in a field of a request that is not known.
type UnknownNameError struct {
	Field, Name string
	Known       []string
}

// maxKnown is how many known names an error lists: a dataset may have thousands of sources.
const maxKnown = 50

// Error lists the known names, of many the first ones.
func (e *UnknownNameError) Error() string {
	known := strings.Join(e.Known[:min(len(e.Known), maxKnown)], ", ")
	if more := len(e.Known) - maxKnown; more > 0 {
		known += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s: %q is unknown; known are: %s", e.Field, e.Name, known)
}

// Unknown is the name and the known ones, so that a caller can offer the nearest.
func (e *UnknownNameError) Unknown() (name string, known []string) { return e.Name, e.Known }

// unknownNames reports the names that are not among all.
func unknownNames[S ~string](field string, names []S, all ...string) error {
	var faults []error
	for _, name := range names {
		if !slices.Contains(all, string(name)) {
			faults = append(faults, &UnknownNameError{Field: field, Name: string(name), Known: all})
		}
	}
	return errors.Join(faults...)
}

// validateChoices checks what can be checked without a pool: strategy, order, weights, minimums, and
// which rules exclude each other.
func (r Rules) validateChoices() error {
	var faults []error
	if r.Strategy != "" {
		faults = append(faults, unknownNames("strategy", []Strategy{r.Strategy}, StrategyNames()...))
	}
	if r.WithinBin != "" {
		faults = append(faults, unknownNames("within_bin", []BinOrder{r.WithinBin}, string(ByPosition), string(ByScore)))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Weights)) {
		if w := r.Weights[name]; !(w >= leastWeight && w <= 1/leastWeight) {
			faults = append(faults, fmt.Errorf(
				"weights: %q weighs %v; give %v to %v, or leave it out of the capabilities",
				name, w, leastWeight, 1/leastWeight))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Minimums)) {
		if n := r.Minimums[name]; n < 1 {
			faults = append(faults, fmt.Errorf("minimums: %q has %d; the least is 1", name, n))
		}
	}
	return errors.Join(append(faults, r.Mix.validate(), r.validateUnused())...)
}

// validateUnused reports the rules that are set for a strategy which would ignore them.
func (r Rules) validateUnused() error {
	var faults []error
	if r.By != "" && r.Strategy != Top {
		faults = append(faults, fmt.Errorf("by: only strategy %q goes by a column; use that, or leave it out", Top))
	}
	if r.TieBreak != "" && r.RatingsOnly {
		faults = append(faults, errors.New("tie_break: ratings_only breaks ties by position alone; leave one of the two out"))
	}
	type rule struct {
		field string
		given bool
	}
	for _, rule := range []rule{{"ratings_only", r.RatingsOnly}, {"tie_break", r.TieBreak != ""}} {
		if rule.given && !r.UsesTies() {
			faults = append(faults, fmt.Errorf("%s: strategy %q breaks no ties; leave it out", rule.field, r.Strategy))
		}
	}
	if r.TakesTurns() {
		return errors.Join(faults...)
	}
	for _, rule := range []rule{
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

// TakesTurns says whether capabilities take turns by the strategy.
func (r Rules) TakesTurns() bool {
	return r.Strategy == "" || r.Strategy == MMSSR || r.Strategy == Descending
}

// UsesTies says whether ratings decide any pick, so that ties among them are broken.
func (r Rules) UsesTies() bool {
	return r.Strategy != Random && r.Strategy != Stratified || len(r.Minimums) > 0 || !r.Mix.IsZero()
}

// AtThreshold are the rules with a threshold that is higher than their own. Thresholds of single capabilities stay
// where they are higher still.
func (r Rules) AtThreshold(threshold int) Rules {
	r.Threshold = threshold
	r.Thresholds = maps.Clone(r.Thresholds)
	maps.DeleteFunc(r.Thresholds, func(_ string, own int) bool { return own <= threshold })
	if len(r.Thresholds) == 0 {
		r.Thresholds = nil
	}
	return r
}

// ThresholdOf is the rating that a sample must exceed to be picked for a capability.
func (r Rules) ThresholdOf(capability string) int {
	if threshold, own := r.Thresholds[capability]; own {
		return threshold
	}
	return r.Threshold
}
