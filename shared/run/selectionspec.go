package run

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A SelectionSpec asks for a selection: the body of POST /v1/runs/{run}/selections, and part of a
// dataset.yaml. Zero fields are the paper's method. selection.Params tells what each field means.
type SelectionSpec struct {
	// Budget is a share (`30%`, `0.3`), a number of samples (`500`), or of tokens (`200M-tokens`).
	Budget selection.Budget `yaml:"budget" json:"budget,omitzero"`
	// Within are smaller budgets, ascending, whose selections this one contains: each is made of the
	// one before it and more.
	Within []selection.Budget `yaml:"within" json:"within,omitempty"`
	// Capabilities in the order in which they pick; all of the rubric's if empty.
	Capabilities []string           `yaml:"capabilities" json:"capabilities,omitempty"`
	Weights      map[string]float64 `yaml:"weights" json:"weights,omitempty"`
	// Threshold is what a rating must exceed for its sample to be picked for it.
	Threshold  int            `yaml:"threshold" json:"threshold,omitempty"`
	Thresholds map[string]int `yaml:"thresholds" json:"thresholds,omitempty"`
	// WithinBin is "position" (default) or "score".
	WithinBin selection.Order `yaml:"within_bin" json:"within_bin,omitempty"`
	// RatingsOnly breaks ties by position alone, as the reference's fixtures do.
	RatingsOnly bool `yaml:"ratings_only" json:"ratings_only,omitempty"`
	// Strategy is "mmssr" (default), "random", "top" or "stratified".
	Strategy selection.Strategy `yaml:"strategy" json:"strategy,omitempty"`
	// Seed changes which of equally good samples are taken, and the order of random strategies.
	Seed    uint64           `yaml:"seed" json:"seed,omitempty"`
	Styles  selection.Filter `yaml:"styles" json:"styles,omitzero"`
	Sources selection.Filter `yaml:"sources" json:"sources,omitzero"`
	// Unique leaves one of all samples with the same texts and images.
	Unique bool `yaml:"unique" json:"unique,omitempty"`
	// Include and Exclude are ids of samples that must be in, and out.
	Include  []string       `yaml:"include" json:"include,omitempty"`
	Exclude  []string       `yaml:"exclude" json:"exclude,omitempty"`
	Minimums map[string]int `yaml:"minimums" json:"minimums,omitempty"`
	Caps     selection.Caps `yaml:"caps" json:"caps,omitzero"`
}

// Parameters are all that decides a selection of a run, resolved: equal ones make an equal selection.
type Parameters struct {
	Budget int `json:"budget"` // samples, or tokens
	// Within are the budgets of the selections that this one contains, ascending.
	Within   []int `json:"within,omitempty"`
	InTokens bool  `json:"in_tokens,omitempty"`
	// Spec holds everything else as it was asked for, with the capabilities named.
	Spec SelectionSpec `json:"spec"`
}

// Validate checks what can be checked before a run is known.
func (s SelectionSpec) Validate() error {
	if s.Threshold < -1 || s.Threshold >= scorer.MaxRating {
		return fmt.Errorf("threshold: %d; ratings are 0 to %d and must exceed it, so give -1 to %d", s.Threshold, scorer.MaxRating, scorer.MaxRating-1)
	}
	return nil
}

// Nested are specs of several budgets, the smallest first, of which each contains the ones before it.
func (s SelectionSpec) Nested(budgets []selection.Budget) []SelectionSpec {
	specs := make([]SelectionSpec, len(budgets))
	for i, b := range budgets {
		specs[i] = s
		specs[i].Budget, specs[i].Within = b, budgets[:i]
	}
	return specs
}

// Check tells what would keep a selection from being made of the plan's run, as far as is known
// before its scores are read.
func (p *Plan) Check(spec SelectionSpec) error {
	_, err := spec.resolve(p)
	return err
}

// resolve makes parameters of what was asked for.
func (s SelectionSpec) resolve(plan *Plan) (Parameters, error) {
	if err := s.Validate(); err != nil {
		return Parameters{}, err
	}
	if s.Budget.IsZero() {
		return Parameters{}, errors.New("budget: is missing; give a share such as 30% or 0.3, or a number of samples")
	}
	if err := s.checkNames(plan.Rubric); err != nil {
		return Parameters{}, err
	}
	params := Parameters{InTokens: s.Budget.Tokens() > 0, Spec: s}
	for _, b := range append(slices.Clone(s.Within), s.Budget) {
		if (b.Tokens() > 0) != params.InTokens {
			return Parameters{}, errors.New("budget: several budgets must all be in samples, or all in tokens")
		}
		n, err := resolveBudget(b, int(plan.Samples))
		if err != nil {
			return Parameters{}, err
		}
		if last := len(params.Within) - 1; last >= 0 && n <= params.Within[last] {
			return Parameters{}, fmt.Errorf("budget: %s after %d does not ascend; the least is %d", b, params.Within[last], params.Within[last]+1)
		}
		params.Within = append(params.Within, n)
	}
	last := len(params.Within) - 1
	params.Budget, params.Within = params.Within[last], params.Within[:last]
	if len(params.Within) == 0 {
		params.Within = nil
	}
	if len(s.Capabilities) == 0 {
		params.Spec.Capabilities = plan.Rubric.Capabilities
	}
	// Budgets are resolved: 30% and 0.3 are one selection. So are a default and its name.
	params.Spec.Budget, params.Spec.Within = selection.Budget{}, nil
	if s.Strategy == selection.MMSSR {
		params.Spec.Strategy = ""
	}
	if s.WithinBin == selection.ByPosition {
		params.Spec.WithinBin = ""
	}
	return params, nil
}

func resolveBudget(b selection.Budget, total int) (int, error) {
	if tokens := b.Tokens(); tokens > 0 {
		return tokens, nil
	}
	switch n := b.Samples(total); {
	case n > total:
		return 0, fmt.Errorf("budget: %d samples are more than the run has; the most is %d", n, total)
	case n < 1:
		return 0, fmt.Errorf("budget: %s of %d samples is not even one; the least is 1", b, total)
	default:
		return n, nil
	}
}

// checkNames names every capability and style that the rubric does not have, and an unknown strategy: faults that need not wait until
// a dataset is scored, which may cost money.
func (s SelectionSpec) checkNames(r *rubric.Rubric) error {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, c := range r.Capabilities {
		known[c] = true
	}
	var faults []error
	for i, c := range s.Capabilities {
		switch {
		case !known[c]:
			faults = append(faults, fmt.Errorf("capabilities[%d]: %q is not in the rubric, which has %q", i, c, r.Capabilities))
		case seen[c]:
			faults = append(faults, fmt.Errorf("capabilities[%d]: %q is listed twice", i, c))
		}
		seen[c] = true
	}
	for _, list := range []struct {
		field string
		names []string
		all   []string
	}{
		{"weights", slices.Sorted(maps.Keys(s.Weights)), r.Capabilities}, {"thresholds", slices.Sorted(maps.Keys(s.Thresholds)), r.Capabilities},
		{"styles: keep", s.Styles.Keep, r.Styles}, {"styles: drop", s.Styles.Drop, r.Styles},
	} {
		for _, name := range list.names {
			if !slices.Contains(list.all, name) {
				faults = append(faults, fmt.Errorf("%s: %q is unknown; known are: %s", list.field, name, strings.Join(list.all, ", ")))
			}
		}
	}
	choices := selection.Params{
		Strategy: s.Strategy, WithinBin: s.WithinBin, Weights: s.Weights, Minimums: s.Minimums, Threshold: s.Threshold, Thresholds: s.Thresholds,
	}
	faults = append(faults, choices.ValidateChoices())
	return errors.Join(faults...)
}

// params are those of a pool of these samples.
func (p Parameters) params(samples Samples) (selection.Params, error) {
	s := p.Spec
	include, err := positions("include", s.Include, samples.IDs)
	if err != nil {
		return selection.Params{}, err
	}
	if include, err = samples.scored(include, s.Include); err != nil {
		return selection.Params{}, err
	}
	exclude, err := positions("exclude", s.Exclude, samples.IDs)
	if err != nil {
		return selection.Params{}, err
	}
	return selection.Params{
		Budget: p.Budget, InTokens: p.InTokens, Strategy: s.Strategy, Seed: s.Seed,
		Capabilities: s.Capabilities, Weights: s.Weights, Threshold: s.Threshold, Thresholds: s.Thresholds,
		WithinBin: s.WithinBin, RatingsOnly: s.RatingsOnly, Styles: s.Styles, Sources: s.Sources,
		Unique: s.Unique, Include: include, Exclude: exclude, Minimums: s.Minimums, Caps: s.Caps,
	}, nil
}

// scored are those of the positions whose samples were scored: what failed or was skipped is in no
// subset. An id of none is an error.
func (s Samples) scored(positions []uint32, ids []string) ([]uint32, error) {
	of := make(map[string]bool, len(ids))
	scored := slices.DeleteFunc(positions, func(at uint32) bool {
		ok := s.Status[at] == scores.OK
		of[s.IDs[at]] = of[s.IDs[at]] || ok
		return !ok
	})
	for _, id := range ids {
		if !of[id] {
			return nil, fmt.Errorf("include: sample %q was not scored; leave it out", id)
		}
	}
	return scored, nil
}

// ForPool are the parameters of the spec for scores that are no run of ours; samples are empty
// where they are not known.
func (s SelectionSpec) ForPool(pool *selection.Pool, samples Samples) (selection.Params, error) {
	params := Parameters{InTokens: s.Budget.Tokens() > 0, Spec: s}
	var err error
	if params.Budget, err = resolveBudget(s.Budget, pool.Len()); err != nil {
		return selection.Params{}, err
	}
	return params.params(samples)
}

// maxUnknown is how many unknown ids an error lists.
const maxUnknown = 5

// positions are those of the samples with the wanted ids; an id of several samples stands for all of them.
func positions(field string, wanted, ids []string) ([]uint32, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	at := make(map[string][]uint32, len(wanted))
	for _, id := range wanted {
		at[id] = nil
	}
	for i, id := range ids {
		if _, ok := at[id]; ok {
			at[id] = append(at[id], uint32(i))
		}
	}
	var found []uint32
	var unknown []string
	for _, id := range wanted {
		if len(at[id]) == 0 {
			unknown = append(unknown, id)
		}
		found = append(found, at[id]...)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%s: the run has no sample %q (%d unknown ids); leave them out", field, unknown[:min(len(unknown), maxUnknown)], len(unknown))
	}
	return found, nil
}
