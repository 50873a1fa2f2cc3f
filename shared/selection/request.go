package selection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// MaxRating is the highest rating of Harvest's scorers. The lowest is 0. Score files of the reference may have other
// ratings.
const MaxRating = 5

// A Request is a request for a selection of a run: the body of POST /v1/runs/{run}/selections, and part of a
// dataset.yaml. It does not depend on the run; Resolve returns its meaning for a run of a given size and rubric.
type Request struct {
	// Budget is a ratio (`30%`, `0.3`), a number of samples (`500`), or a number of tokens (`200M-tokens`).
	Budget Budget `yaml:"budget" json:"budget,omitzero"`
	// Within are smaller budgets, ascending. This selection contains the selections of these budgets, and each of them
	// contains the previous one.
	Within []Budget `yaml:"within" json:"within,omitempty"`
	Rules  `yaml:",inline"`
	// ScoresFrom is a file with numbers of the samples, by their ids. Where, TieBreak and By can refer to its columns. It
	// is a name below the dataset's folder in the input bucket, or ExternalPrefix and the hash of a file that was read
	// before.
	ScoresFrom string `yaml:"scores_from" json:"scores_from,omitempty"`
	// Include and Exclude are the ids of samples that must be in, and must not be in, the selection.
	Include []string `yaml:"include" json:"include,omitempty"`
	Exclude []string `yaml:"exclude" json:"exclude,omitempty"`
	// ExcludeNear are evaluation sets: objects of the input bucket, or prefixes of images, which end in a slash. A sample
	// is left out if its image and text are near the image and text of an item. With ExcludeImages, a near image is
	// enough.
	ExcludeNear   []string `yaml:"exclude_near" json:"exclude_near,omitempty"`
	ExcludeImages bool     `yaml:"exclude_images" json:"exclude_images,omitempty"`
	// VisualTokens sets the number of tokens of an image, for everything that depends on numbers of tokens.
	VisualTokens VisualTokens `yaml:"visual_tokens" json:"visual_tokens,omitzero"`
}

// ExternalPrefix is the prefix of a ScoresFrom that names a file by the hash of its content.
const ExternalPrefix = "sha256:"

// A ResolvedRequest has everything that determines a selection of a run: equal resolved requests make equal selections.
type ResolvedRequest struct {
	Budget int `json:"budget"` // number of samples or tokens
	// Within are the budgets of the selections that this selection contains, ascending.
	Within   []int `json:"within,omitempty"`
	InTokens bool  `json:"in_tokens,omitempty"`
	// Request has all other fields of the request. It always names its capabilities, and leaves out other defaults.
	Request Request `json:"spec"`
}

// WithoutIDs returns the request without the ids of samples, because there may be many.
func (r Request) WithoutIDs() Request {
	r.Include, r.Exclude = nil, nil
	return r
}

// Validate makes the checks that are possible before a run is known.
func (r Request) Validate() error { return validateThreshold("threshold:", r.Threshold) }

// validateThreshold checks a threshold. The error begins with the parameter what, which names the threshold.
func validateThreshold(what string, threshold int) error {
	if threshold >= -1 && threshold < MaxRating {
		return nil
	}
	return fmt.Errorf("%s %d; a sample is picked if its rating (0 to %d) is above the threshold; give -1 to %d",
		what, threshold, MaxRating, MaxRating-1)
}

// ValidateNames returns an error for every capability and style that is not in these lists, and for every contradiction
// that can be found before a dataset is scored. It is called before scoring, because scoring may cost money.
func (r Request) ValidateNames(capabilities, styles []string) error {
	return errors.Join(r.withKnown(capabilities).validateNames(capabilities, styles), r.validateChoices(),
		r.validateNear())
}

// ValidateThresholds checks the thresholds of capabilities against the ratings of Harvest's scorers. Score files may
// have other ratings.
func (r Request) ValidateThresholds() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(r.Thresholds)) {
		faults = append(faults, validateThreshold(fmt.Sprintf("thresholds: %q has", name), r.Thresholds[name]))
	}
	return errors.Join(faults...)
}

// validateNear returns an error if an evaluation set is named twice or has no name, or if ExcludeImages is set without
// an evaluation set.
func (r Request) validateNear() error {
	if r.ExcludeImages && len(r.ExcludeNear) == 0 {
		return errors.New("exclude_images: there is no evaluation set; name one in exclude_near, or remove exclude_images")
	}
	if name, twice := duplicate(r.ExcludeNear); twice {
		return fmt.Errorf("exclude_near: %q is named twice; name it once", name)
	}
	if slices.Contains(r.ExcludeNear, "") {
		return errors.New("exclude_near: a name is empty; name an object of the input bucket")
	}
	return nil
}

// Nested returns requests for several budgets, the smallest first. Each contains the selections before it.
func (r Request) Nested(budgets []Budget) []Request {
	requests := make([]Request, len(budgets))
	for i, b := range budgets {
		requests[i] = r
		requests[i].Budget, requests[i].Within = b, budgets[:i]
	}
	return requests
}

// Resolve checks the request against a run of total samples whose rubric has these capabilities and styles, and
// converts its budgets to numbers. A capability may be named in any spelling of its name (see SimplifiedName). Requests
// with the same meaning have equal results.
func (r Request) Resolve(total int, capabilities, styles []string) (ResolvedRequest, error) {
	if err := r.Validate(); err != nil {
		return ResolvedRequest{}, err
	}
	if r.Budget.IsZero() {
		return ResolvedRequest{}, errors.New(
			"budget: it is missing; give a share such as 30% or 0.3, or a number of samples")
	}
	if err := r.ValidateNames(capabilities, styles); err != nil {
		return ResolvedRequest{}, err
	}
	r.Rules = r.withKnown(capabilities)
	resolved := ResolvedRequest{InTokens: r.Budget.Tokens() > 0, Request: r}
	budgets, err := resolveBudgets(append(slices.Clone(r.Within), r.Budget), total)
	if err != nil {
		return ResolvedRequest{}, err
	}
	last := len(budgets) - 1
	resolved.Budget = budgets[last]
	if last > 0 {
		resolved.Within = budgets[:last]
	}
	rest := &resolved.Request
	rest.Budget, rest.Within = Budget{}, nil
	if len(rest.Capabilities) == 0 {
		rest.Capabilities = capabilities
	}
	if rest.Strategy == MMSSR {
		rest.Strategy = ""
	}
	if rest.WithinBin == ByPosition {
		rest.WithinBin = ""
	}
	return resolved, nil
}

// AsRequest returns a request that resolves to r; capabilities must be all capabilities of the rubric.
func (r ResolvedRequest) AsRequest(capabilities []string) Request {
	out := r.Request
	budget := func(n int) Budget { return Budget{count: n, tokens: r.InTokens} }
	out.Budget = budget(r.Budget)
	for _, n := range r.Within {
		out.Within = append(out.Within, budget(n))
	}
	if slices.Equal(out.Capabilities, capabilities) {
		out.Capabilities = nil
	}
	return out
}

// resolveBudgets converts budgets to numbers. They must ascend, and all be in samples or all in tokens.
func resolveBudgets(budgets []Budget, total int) ([]int, error) {
	resolved := make([]int, len(budgets))
	for i, b := range budgets {
		if (b.Tokens() > 0) != (budgets[len(budgets)-1].Tokens() > 0) {
			return nil, errors.New("budget: several budgets must all be in samples, or all in tokens")
		}
		n, err := b.Resolve(total)
		if err != nil {
			return nil, err
		}
		if i > 0 && n <= resolved[i-1] {
			return nil, fmt.Errorf("budget: %s follows %s; give budgets in ascending order",
				b.inWords(n), budgets[i-1].inWords(resolved[i-1]))
		}
		resolved[i] = n
	}
	return resolved, nil
}

// Params returns the parameters of the resolved request, with the positions of the must-includes and must-excludes in
// the pool.
func (r ResolvedRequest) Params(include, exclude []uint32) Params {
	return Params{Budget: r.Budget, InTokens: r.InTokens, Rules: r.Request.Rules, Include: include, Exclude: exclude}
}
