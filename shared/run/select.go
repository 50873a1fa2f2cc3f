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
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A Selection is what was chosen of a run and how: runs/<run>/selections/<id>/selection.json.
type Selection struct {
	ID         string                    `json:"id"`
	Run        string                    `json:"run"`
	Dataset    string                    `json:"dataset"`
	Algorithm  string                    `json:"algorithm"`
	Parameters selection.ResolvedRequest `json:"parameters"`
	Total      int                       `json:"total"`    // samples of the run, failed and skipped ones too
	Selected   int                       `json:"selected"` // samples of the subset
	// Shortfall is how much of the budget could not be given: samples, or tokens.
	Shortfall int `json:"shortfall"`
	// Shortfalls tell what could not be given where it was asked, and why.
	Shortfalls []selection.Shortfall `json:"shortfalls,omitempty"`
	// Capabilities tells how many candidates each capability had, and how many it picked.
	Capabilities []selection.CapabilityResult `json:"capabilities"`
	Summary      selection.Summary            `json:"summary"`
	// PerRange holds the number of selected samples of each range of the run.
	PerRange []int   `json:"per_range"`
	Outputs  Outputs `json:"outputs"`
}

// Outputs are the names of a selection's objects in the work bucket.
type Outputs struct {
	Subset    string `json:"subset"`
	Rejected  string `json:"rejected"`
	Picks     string `json:"picks"`
	Selection string `json:"selection"`
}

// AlgorithmVersion changes whenever equal scores and parameters would be selected from differently.
const AlgorithmVersion = "mmssr-3"

// Errors of selections.
var (
	ErrNotScored   = errors.New("the run is not scored yet")
	ErrNoSelection = errors.New("no such selection")
)

// Select chooses a subset of a scored run, or finds the selection with equal parameters, and sets
// going whatever of its outputs is missing. A *RefusedError is a fault of the spec.
func (s *Store) Select(ctx context.Context, run string, spec selection.Request) (*Selection, error) {
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
	params, err := plan.Resolve(spec)
	if err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	id, err := canonicalHash(struct {
		Run        string                    `json:"run"`
		Algorithm  string                    `json:"algorithm"`
		Parameters selection.ResolvedRequest `json:"parameters"`
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

func (s *Store) choose(ctx context.Context, plan *Plan, id string, params selection.ResolvedRequest) (*Selection, error) {
	pool, samples, err := s.pool(ctx, plan, params.Request)
	if err != nil {
		return nil, err
	}
	chosen, result, err := apply(pool, samples, params)
	if err != nil {
		return nil, &RefusedError{Reason: err.Error()}
	}
	sel := &Selection{
		ID: id, Run: plan.Run, Dataset: plan.Dataset, Algorithm: AlgorithmVersion, Parameters: params,
		Total: pool.Len(), Selected: len(result.Picks), Shortfall: result.Shortfall(), Shortfalls: result.Shortfalls,
		Capabilities: result.Capabilities, Summary: selection.Summarize(pool, result.Samples(), params.Request.Seed),
		PerRange: make([]int, len(plan.Ranges)),
		Outputs: Outputs{
			Subset:   subsetName(plan.Run, id, plan.Format()),
			Rejected: rejectedName(plan.Run, id), Picks: picksName(plan.Run, id), Selection: selectionName(plan.Run, id),
		},
	}
	rows := make([]scores.Pick, len(result.Picks))
	for i, p := range result.Picks {
		rows[i] = pickRow(plan, pool, samples.IDs, result, i, p)
		sel.PerRange[rows[i].Range]++
	}
	if _, err := s.create(ctx, picksName(plan.Run, id), func(w io.Writer) error { return scores.WritePicks(w, rows) }); err != nil {
		return nil, err
	}
	reasons := make([]string, pool.Len())
	for i, reason := range selection.Reasons(pool, chosen, result) {
		reasons[i] = string(reason)
	}
	if _, err := s.create(ctx, reasonsName(plan.Run, id), func(w io.Writer) error { return scores.WriteReasons(w, reasons) }); err != nil {
		return nil, err
	}
	_, err = s.createJSON(ctx, selectionName(plan.Run, id), sel)
	return sel, err
}

// apply selects from a pool, and returns what it selected with.
func apply(pool *selection.Pool, samples Samples, params selection.ResolvedRequest) (selection.Params, *selection.Result, error) {
	chosen, err := samples.Params(params)
	if err != nil {
		return selection.Params{}, nil, err
	}
	if len(params.Within) == 0 {
		result, err := selection.Select(pool, chosen)
		return chosen, result, err
	}
	results, err := selection.SelectNested(pool, chosen, append(slices.Clone(params.Within), params.Budget)...)
	if err != nil {
		return selection.Params{}, nil, err
	}
	chosen.Include = append(slices.Clone(chosen.Include), results[len(results)-2].Samples()...)
	return chosen, results[len(results)-1], nil
}

// pickRow is a pick of a run as picks.parquet has it.
func pickRow(plan *Plan, pool *selection.Pool, ids []string, result *selection.Result, order int, p selection.Pick) scores.Pick {
	row := poolPick(pool, ids, result, order, p)
	row.Range = plan.rangeOf(row.Index)
	row.Position = int(row.Index - plan.Ranges[row.Range].FirstIndex)
	return row
}

// poolPick is a pick as a file of picks has it, without its place in a run.
func poolPick(pool *selection.Pool, ids []string, result *selection.Result, order int, p selection.Pick) scores.Pick {
	row := scores.Pick{
		Order: order, ID: ids[p.Sample], Index: int64(p.Sample), Source: pool.SourceNames[pool.Source[p.Sample]],
		Round: int(p.Round), Rank: int(p.Rank), Rule: p.Rule.String(),
	}
	if p.Rule == selection.ByTurn {
		row.Capability, row.Bin = result.Capabilities[p.Capability].Capability, result.Bins[p.Bin]
		row.Style = strings.TrimSuffix(row.Bin, "+"+row.Source)
		rating := int8(pool.Ratings[slices.Index(pool.Capabilities, row.Capability)][p.Sample])
		row.Rating = &rating
	}
	return row
}

// WritePicks writes the picks of a pool that ReadPool read: as in picks.parquet, but for range and
// position, which are 0; index is the sample's place in the files read.
func WritePicks(w io.Writer, pool *selection.Pool, samples Samples, result *selection.Result) error {
	rows := make([]scores.Pick, len(result.Picks))
	for i, p := range result.Picks {
		rows[i] = poolPick(pool, samples.IDs, result, i, p)
	}
	return scores.WritePicks(w, rows)
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
