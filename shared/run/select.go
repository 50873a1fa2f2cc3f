package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Selection is what was chosen of a run and how: runs/<run>/selections/<id>/selection.json.
type Selection struct {
	ID         string     `json:"id"`
	Run        string     `json:"run"`
	Dataset    string     `json:"dataset"`
	Algorithm  string     `json:"algorithm"`
	Parameters Parameters `json:"parameters"`
	Total      int        `json:"total"`    // samples of the run, failed and skipped ones too
	Selected   int        `json:"selected"` // samples of the subset
	// Shortfall is how many samples of the budget no capability had a candidate for.
	Shortfall int `json:"shortfall"`
	// Capabilities tells how many candidates each capability had, and how many it picked.
	Capabilities []selection.Turns `json:"capabilities"`
	Summary      selection.Summary `json:"summary"`
	// PerRange holds the number of selected samples of each range of the run.
	PerRange []int   `json:"per_range"`
	Outputs  Outputs `json:"outputs"`
}

// Parameters are all that decides a selection of a run, resolved: equal ones make an equal selection.
type Parameters struct {
	Budget       int      `json:"budget"` // samples
	Capabilities []string `json:"capabilities"`
	Threshold    int      `json:"threshold"`
	RatingsOnly  bool     `json:"ratings_only"`
	Seed         uint64   `json:"seed"`
}

// Outputs are the names of a selection's objects in the work bucket.
type Outputs struct {
	Subset    string `json:"subset"`
	Rejected  string `json:"rejected"`
	Picks     string `json:"picks"`
	Selection string `json:"selection"`
}

// AlgorithmVersion changes whenever equal scores and parameters would be selected from differently.
const AlgorithmVersion = "mmssr-1"

// Errors of selections.
var (
	ErrNotScored   = errors.New("the run is not scored yet")
	ErrNoSelection = errors.New("no such selection")
)

// Select chooses a subset of a scored run, or finds the selection with equal parameters, and sets
// going whatever of its outputs is missing. A *RefusedError is a fault of the spec.
func (s *Store) Select(ctx context.Context, run string, spec SelectionSpec) (*Selection, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	if plan.Problem != "" {
		return nil, &RefusedError{Reason: plan.Problem}
	}
	if scored, err := s.exists(ctx, scoredName(run)); err != nil {
		return nil, err
	} else if !scored {
		return nil, fmt.Errorf("%w: %s", ErrNotScored, run)
	}
	params, err := spec.resolve(plan)
	if err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	id, err := canonicalHash(struct {
		Run        string     `json:"run"`
		Algorithm  string     `json:"algorithm"`
		Parameters Parameters `json:"parameters"`
	}{run, AlgorithmVersion, params})
	if err != nil {
		return nil, fmt.Errorf("computing the selection's id: %w", err)
	}
	sel, err := s.Selection(ctx, run, id)
	if errors.Is(err, ErrNoSelection) {
		if sel, err = s.choose(ctx, plan, id, params); err != nil {
			return nil, fmt.Errorf("selecting from run %s: %w", run, err)
		}
	} else if err != nil {
		return nil, err
	}
	return sel, s.publishParts(ctx, plan, sel)
}

// Selection reads a selection.
func (s *Store) Selection(ctx context.Context, run, id string) (*Selection, error) {
	if !namePattern.MatchString(run) || !namePattern.MatchString(id) {
		return nil, fmt.Errorf("%w: %s of run %s", ErrNoSelection, id, run)
	}
	var sel Selection
	if err := s.readJSON(ctx, selectionName(run, id), &sel); errors.Is(err, bucket.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s of run %s", ErrNoSelection, id, run)
	} else if err != nil {
		return nil, err
	}
	return &sel, nil
}

// Check tells what would keep a selection from being made of the plan's run.
func (p *Plan) Check(spec SelectionSpec) error {
	_, err := spec.resolve(p)
	return err
}

// resolve makes parameters of what was asked for.
func (spec SelectionSpec) resolve(plan *Plan) (Parameters, error) {
	if err := spec.Validate(); err != nil {
		return Parameters{}, err
	}
	if spec.Budget.IsZero() {
		return Parameters{}, errors.New("budget: is missing; give a share such as 30% or 0.3, or a number of samples")
	}
	if err := spec.checkCapabilities(plan.Rubric); err != nil {
		return Parameters{}, err
	}
	total := int(plan.Samples)
	params := Parameters{
		Budget: spec.Budget.Samples(total), Capabilities: spec.Capabilities,
		Threshold: spec.Threshold, RatingsOnly: spec.RatingsOnly, Seed: spec.Seed,
	}
	if len(params.Capabilities) == 0 {
		params.Capabilities = plan.Rubric.Capabilities
	}
	switch {
	case params.Budget > total:
		return Parameters{}, fmt.Errorf("budget: %d samples are more than the run has; the most is %d", params.Budget, total)
	case params.Budget < 1:
		return Parameters{}, fmt.Errorf("budget: %s of %d samples is not even one; the least is 1", spec.Budget, total)
	}
	return params, nil
}

// checkCapabilities names every capability that the rubric does not have.
func (spec SelectionSpec) checkCapabilities(r *rubric.Rubric) error {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, c := range r.Capabilities {
		known[c] = true
	}
	var faults []error
	for i, c := range spec.Capabilities {
		switch {
		case !known[c]:
			faults = append(faults, fmt.Errorf("capabilities[%d]: %q is not in the rubric, which has %q", i, c, r.Capabilities))
		case seen[c]:
			faults = append(faults, fmt.Errorf("capabilities[%d]: %q is listed twice", i, c))
		}
		seen[c] = true
	}
	return errors.Join(faults...)
}

func (s *Store) choose(ctx context.Context, plan *Plan, id string, params Parameters) (*Selection, error) {
	pool, ids, err := s.pool(ctx, plan, params.Seed)
	if err != nil {
		return nil, err
	}
	result, err := selection.Select(pool, selection.Params{
		Budget: params.Budget, Threshold: params.Threshold,
		Capabilities: params.Capabilities, RatingsOnly: params.RatingsOnly,
	})
	if err != nil {
		return nil, err
	}
	sel := &Selection{
		ID: id, Run: plan.Run, Dataset: plan.Dataset, Algorithm: AlgorithmVersion, Parameters: params,
		Total: pool.Len(), Selected: result.Given, Shortfall: result.Shortfall(), Capabilities: result.Capabilities,
		PerRange: make([]int, len(plan.Ranges)),
		Outputs: Outputs{
			Subset:   subsetName(plan.Run, id, plan.Format()),
			Rejected: rejectedName(plan.Run, id), Picks: picksName(plan.Run, id), Selection: selectionName(plan.Run, id),
		},
	}
	rows := make([]scores.Pick, len(result.Picks))
	for i, p := range result.Picks {
		index := int64(p.Sample)
		r := plan.rangeOf(index)
		sel.PerRange[r]++
		source, bin := pool.SourceNames[pool.Source[p.Sample]], result.Bins[p.Bin]
		rows[i] = scores.Pick{
			Order: i, ID: ids[p.Sample], Range: r, Position: int(index - plan.Ranges[r].FirstIndex), Index: index,
			Source: source, Capability: params.Capabilities[p.Capability], Bin: bin, Style: strings.TrimSuffix(bin, "+"+source),
			Round: int(p.Round), Rank: int(p.Rank), Rating: rating(pool, plan, params.Capabilities[p.Capability], p.Sample),
		}
	}
	sel.Summary = selection.Summarize(pool, result.Samples(), params.Seed)
	if _, err := s.create(ctx, picksName(plan.Run, id), func(w io.Writer) error { return scores.WritePicks(w, rows) }); err != nil {
		return nil, err
	}
	_, err = s.createJSON(ctx, selectionName(plan.Run, id), sel)
	return sel, err
}

// rangeOf is the range that holds the sample with the given idx.
func (p *Plan) rangeOf(index int64) int {
	lo, hi := 0, len(p.Ranges)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; p.Ranges[mid].FirstIndex <= index {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// rating is a sample's rating for the capability that picked it.
func rating(pool *selection.Pool, plan *Plan, capability string, sample uint32) *int8 {
	r := int8(pool.Ratings[slices.Index(plan.Rubric.Capabilities, capability)][sample])
	return &r
}

// publishParts publishes a message for each range whose part of a selection is missing, and
// advances the selection where none is.
func (s *Store) publishParts(ctx context.Context, plan *Plan, sel *Selection) error {
	if sent, err := s.exists(ctx, completedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	written, err := s.writtenParts(ctx, plan, sel.ID)
	if err != nil {
		return err
	}
	var missing []events.Message
	for r := range plan.Ranges {
		if written[r] < partObjects {
			missing = append(missing, events.PartTask{Run: plan.Run, Selection: sel.ID, Range: r}.Message())
		}
	}
	if len(missing) > 0 {
		return s.Tasks.Publish(ctx, missing...)
	}
	return s.complete(ctx, plan, sel)
}

// newReaderAt reads from memory.
func newReaderAt(data []byte) io.ReaderAt { return bytes.NewReader(data) }
