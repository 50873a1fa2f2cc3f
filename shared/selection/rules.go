package selection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rules are the common parameters of Request and Params. A Request names samples by ids, and Params name samples by
// positions in a pool. The zero Rules are the paper's method. Each field changes the method. Rules are applied in this
// order: filters (Styles, Sources, Where), Unique, must-excludes, must-includes, Minimums, Mix, and then Caps while the
// strategy picks.
type Rules struct {
	// Capabilities are the capabilities that take turns, in this order. Empty means all capabilities of the pool, in its
	// order. Example: {"data understanding", "optical character recognition"} selects for documents.
	Capabilities []string `yaml:"capabilities" json:"capabilities,omitempty"`
	// Weights divide a round among the capabilities that still have candidates: a capability may pick max(floor(remaining
	// * weight / sum of their weights), 1). The default weight is 1. Example: {"stem knowledge": 3} gives this capability
	// three times the amount of any other.
	Weights map[string]float64 `yaml:"weights" json:"weights,omitempty"`
	// Threshold is a rating. To be picked for a capability, a sample must have a higher rating.
	Threshold int `yaml:"threshold" json:"threshold,omitempty"`
	// Thresholds replace Threshold for single capabilities. Example: {"humanities": 2}.
	Thresholds map[string]int `yaml:"thresholds" json:"thresholds,omitempty"`
	// WithinBin is the order within a bin; empty means ByPosition.
	WithinBin BinOrder `yaml:"within_bin" json:"within_bin,omitempty"`
	// RatingsOnly makes the sample with the lower index come first among equal ratings, as in the reference. Expected
	// scores, sums and tie hashes are then not used.
	RatingsOnly bool `yaml:"ratings_only" json:"ratings_only,omitempty"`
	// Strategy is the way of picking; empty means MMSSR.
	Strategy Strategy `yaml:"strategy" json:"strategy,omitempty"`
	// By is the column that Top orders by, in place of the mean: the higher number first, or the lower number if the name
	// begins with a minus. Samples without a number come last. Example: "relevance", "-perplexity".
	By string `yaml:"by" json:"by,omitempty"`
	// TieBreak is the column that decides among samples of equal rating, in place of the expected score. It has the form
	// of By.
	TieBreak string `yaml:"tie_break" json:"tie_break,omitempty"`
	// Seed decides which of equally good samples are picked, and the order of Random and Stratified.
	Seed uint64 `yaml:"seed" json:"seed,omitempty"`
	// Styles keeps the samples that have a style in Keep (all samples, if Keep is empty) and no style in Drop. It does not
	// change samples: a sample that is kept is in the bins of all its styles. Example: {Drop: {"multi-choice", "yes/no"}}.
	Styles Filter `yaml:"styles" json:"styles,omitzero"`
	// Sources keeps the samples of the sources in Keep (all sources, if Keep is empty), without the sources in Drop.
	// Example: {Keep: {"ai2d", "chartqa"}}.
	Sources Filter `yaml:"sources" json:"sources,omitzero"`
	// Where keeps the samples that fulfil all these conditions. Example: {"relevance_min>=3"}.
	Where []Condition `yaml:"where" json:"where,omitempty"`
	// Unique keeps only one of the samples with the same texts and images (Pool.Twin). Among the samples that pass the
	// filters, it keeps the sample with the lowest index, then the lowest position.
	Unique bool `yaml:"unique" json:"unique,omitempty"`
	// Minimums are minimum numbers of samples of sources. If the must-includes have too few samples of a source, more
	// samples are picked before the first round, regardless of the threshold. Sources are handled ascending by name, and
	// the samples with the best mean rating over the selection's capabilities are picked first. Example: {"geo170k": 500}.
	Minimums map[string]int `yaml:"minimums" json:"minimums,omitempty"`
	// Mix has bounds for the parts of sources and styles. After Minimums, samples are picked in the same way until each
	// source and style has its minimum. The maximum is a cap.
	Mix Mix `yaml:"mix" json:"mix,omitzero"`
	// Caps limit the amounts of single sources, styles, images, clusters, templates and modalities in the selection.
	Caps Caps `yaml:"caps" json:"caps,omitzero"`
}

// A Strategy is a way of picking.
type Strategy string

// The strategies. Random, Top, Stratified and Longest are baselines for comparison. They put all samples that have a
// style and a rating for at least one of the selection's capabilities into one order, and pick in this order within the
// budget and the caps.
const (
	// MMSSR lets capabilities take turns, as the package comment describes.
	MMSSR Strategy = "mmssr"
	// Descending is experimental: its effect on training was not measured. If the budget has at least four times as many
	// samples (in tokens: of mean length) as there are bins with a candidate, each bin first gives its best sample: the
	// sample with the highest rating on a capability for which it is a candidate. Ties are broken as among equal samples.
	// Then capabilities take turns, as with MMSSR: among the samples rated above 3 until no candidate is left, then above
	// 2, 1 and 0. A higher threshold of a capability replaces these thresholds; a threshold below 0 is added at the end.
	Descending Strategy = "descending"
	// Random picks in a random order, which the seed determines.
	Random Strategy = "random"
	// Top picks by descending mean expected score over the selection's capabilities, without diversity. It uses the mean
	// rating with RatingsOnly, or if there are no expected scores.
	Top Strategy = "top"
	// Stratified picks from all sources in proportion, in a random order within each source. At any budget, the number of
	// samples of a source differs from its share of the pool by less than one sample.
	Stratified Strategy = "stratified"
	// Longest picks by descending number of tokens in the answers, of all turns of the model.
	Longest Strategy = "longest"
)

// StrategyNames returns all strategies, the default first.
func StrategyNames() []string {
	return []string{
		string(MMSSR), string(Descending), string(Random), string(Top), string(Stratified), string(Longest),
	}
}

// A BinOrder is an order of a capability's candidates within a bin. Among equal candidates, the higher expected score
// comes first, then the higher sum over all capabilities of the pool, the lower tie hash, and the lower index. With
// RatingsOnly, the lower index comes first.
type BinOrder string

// The orders within a bin.
const (
	// ByPosition puts samples whose first style is the bin's style first, then samples whose second style it is, and so
	// on. Within such a position, the higher rating comes first. This is the order of the reference.
	ByPosition BinOrder = "position"
	// ByScore puts the higher rating first; within a rating, the position decides.
	ByScore BinOrder = "score"
)

// validateNames returns an error for every capability and style in the rules that is not in these lists, and for every
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

// An UnknownNameError reports an unknown name in a field of a request.
type UnknownNameError struct {
	Field, Name string
	Known       []string
}

// maxKnown is the largest number of known names in an error: a dataset may have thousands of sources.
const maxKnown = 50

// Error lists the known names, or the first maxKnown of them.
func (e *UnknownNameError) Error() string {
	known := strings.Join(e.Known[:min(len(e.Known), maxKnown)], ", ")
	if more := len(e.Known) - maxKnown; more > 0 {
		known += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s: %q is unknown; known are: %s", e.Field, e.Name, known)
}

// Unknown returns the name and the known names, so that a caller can suggest the nearest name.
func (e *UnknownNameError) Unknown() (name string, known []string) { return e.Name, e.Known }

// unknownNames returns an error for the names that are not in all.
func unknownNames[S ~string](field string, names []S, all ...string) error {
	var faults []error
	for _, name := range names {
		if !slices.Contains(all, string(name)) {
			faults = append(faults, &UnknownNameError{Field: field, Name: string(name), Known: all})
		}
	}
	return errors.Join(faults...)
}

// validateChoices makes the checks that are possible without a pool: strategy, order, weights, minimums, and rules that
// exclude each other.
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
				"weights: %q has weight %v; give %v to %v, or remove the capability from capabilities",
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

// validateUnused returns an error for rules that the strategy would ignore.
func (r Rules) validateUnused() error {
	var faults []error
	if r.By != "" && r.Strategy != Top {
		faults = append(faults, fmt.Errorf("by: only strategy %q orders by a column; set this strategy, or remove by", Top))
	}
	if r.TieBreak != "" && r.RatingsOnly {
		faults = append(faults, errors.New("tie_break: ratings_only breaks ties only by position; remove one of the two"))
	}
	type rule struct {
		field string
		given bool
	}
	for _, rule := range []rule{{"ratings_only", r.RatingsOnly}, {"tie_break", r.TieBreak != ""}} {
		if rule.given && !r.UsesTies() {
			faults = append(faults, fmt.Errorf("%s: strategy %q breaks no ties; remove this field", rule.field, r.Strategy))
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
			faults = append(faults, fmt.Errorf("%s: strategy %q does not use this field; remove it, or use %q",
				rule.field, r.Strategy, MMSSR))
		}
	}
	return errors.Join(faults...)
}

// leastWeight is the smallest weight, and its inverse the largest. With these limits, sums of weights neither overflow
// nor lose a weight.
const leastWeight = 1e-6

// TakesTurns reports whether capabilities take turns in the strategy.
func (r Rules) TakesTurns() bool {
	return r.Strategy == "" || r.Strategy == MMSSR || r.Strategy == Descending
}

// UsesTies reports whether ratings decide any picks, so that ties between ratings must be broken.
func (r Rules) UsesTies() bool {
	return r.Strategy != Random && r.Strategy != Stratified || len(r.Minimums) > 0 || !r.Mix.IsZero()
}

// AtThreshold returns the rules with a higher threshold. Thresholds of single capabilities that are higher than this
// threshold are kept.
func (r Rules) AtThreshold(threshold int) Rules {
	r.Threshold = threshold
	r.Thresholds = maps.Clone(r.Thresholds)
	maps.DeleteFunc(r.Thresholds, func(_ string, own int) bool { return own <= threshold })
	if len(r.Thresholds) == 0 {
		r.Thresholds = nil
	}
	return r
}

// ThresholdOf returns the threshold of a capability. To be picked for the capability, a sample must have a higher
// rating.
func (r Rules) ThresholdOf(capability string) int {
	if threshold, own := r.Thresholds[capability]; own {
		return threshold
	}
	return r.Threshold
}
