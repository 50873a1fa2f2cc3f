package subset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity/evaluation"
)

// AlgorithmVersion is the version of the selection algorithm. It must change whenever equal scores and parameters give
// another selection.
const AlgorithmVersion = "mmssr-3"

// A Selector makes the selections of runs. It is also a Reader.
type Selector struct {
	*Reader
	work   bucket.Bucket
	texts  run.Texts // reads the sources of the subsets of containers
	sets   evaluation.Source
	index  *run.Index
	tasks  events.Publisher
	events *events.Feed
	// reports writes the reports of selections.
	reports Reporter
	now     func() time.Time
	again   run.Republisher
	// answeredSamples is Limits.AnsweredSamples.
	answeredSamples int64
	// chosen is the last selection, if its details are missing. Use it only while no other selection computes.
	chosen   *choice
	chosenOf string // the prefix of the last selection
}

// A Config configures a Selector.
type Config struct {
	Runs   *run.Reader // of the work bucket
	Work   bucket.Bucket
	Input  bucket.Reader
	Tasks  events.Publisher
	Events *events.Feed
	Memory *memory.Budget // of the process
	// Reports write the report of each selection.
	Reports Reporter
	Now     func() time.Time
	// Process is the process of the selector.
	Process run.Process
	Limits  Limits
}

// NewSelector returns a Selector.
func NewSelector(c Config) (*Selector, error) {
	if c.Runs == nil || c.Work == nil || c.Input == nil || c.Tasks == nil || c.Events == nil || c.Now == nil ||
		c.Reports == nil || c.Memory == nil || c.Process.ID == "" {
		return nil, errors.New("making a subset.Selector: its run.Reader, one of its buckets, a topic, the writer of its " +
			"reports, the memory for images, its clock or its process is missing")
	}
	reader, err := NewReader(c.Runs, c.Work, c.Limits)
	if err != nil {
		return nil, err
	}
	s := &Selector{
		Reader: reader, work: c.Work, index: run.NewIndex(c.Work), tasks: c.Tasks, events: c.Events, now: c.Now,
		reports:         c.Reports,
		texts:           run.Texts{Input: c.Input, Work: c.Work},
		sets:            evaluation.Source{Input: c.Input, Memory: c.Memory},
		again:           run.Republisher{Work: c.Work, Process: c.Process, Now: c.Now},
		answeredSamples: c.Limits.AnsweredSamples,
	}
	reader.missingDetails = s.makeDetails
	return s, nil
}

// Select makes a selection of a scored run, or finds the selection with equal parameters, and publishes tasks for
// missing outputs. The error is a *run.RefusedError if the request or the run is invalid, or if more samples failed
// than allowed; if allowed is zero, the plan's allowance applies.
func (s *Selector) Select(
	ctx context.Context, runID string, request selection.Request, allowed run.Allowance,
) (*Selection, error) {
	plan, of, err := s.checkRequest(ctx, runID, request, allowed)
	if err != nil {
		return nil, err
	}
	return s.selectOf(ctx, plan, of)
}

// checkRequest returns the plan of a usable run and the identity of the requested selection. The error is a
// *run.RefusedError if the request or the run is invalid.
func (s *Selector) checkRequest(
	ctx context.Context, runID string, request selection.Request, allowed run.Allowance,
) (*run.Plan, identity, error) {
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, identity{}, err
	}
	if err := s.runs.CheckUsable(ctx, plan, allowed); err != nil {
		return nil, identity{}, err
	}
	of, err := s.identify(ctx, plan, request)
	return plan, of, err
}

// selectOf does the same as Select for a request whose identity is known.
func (s *Selector) selectOf(ctx context.Context, plan *run.Plan, of identity) (*Selection, error) {
	sel, err := s.Selection(ctx, plan.Run, of.id)
	if errors.Is(err, ErrNoSelection) {
		err = s.pools.compute(ctx, func() error {
			// Another call may have made the selection in the meantime.
			if sel, err = s.Selection(ctx, plan.Run, of.id); errors.Is(err, ErrNoSelection) {
				sel, err = s.choose(ctx, plan, of)
			}
			return err
		})
	}
	if _, refused := errors.AsType[*run.RefusedError](err); refused {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("selecting from run %s: %w", plan.Run, err)
	}
	if ended, err := s.ended(ctx, sel); ended || err != nil {
		return sel, err
	}
	if err := s.index.Accept(
		ctx, run.Entry{Run: plan.Run, Selection: of.id}, acceptedName(plan.Run, of.id), s.now(),
	); err != nil {
		return nil, err
	}
	_, err = s.continueSelection(ctx, plan, sel)
	return sel, err
}

// An identity has all properties that distinguish a selection of a run from other selections of the run.
type identity struct {
	id          string // a hash of the other fields
	params      selection.ResolvedRequest
	evaluations []evaluation.Object // the evaluation sets that samples are compared with
}

// identify pins and resolves a request for a selection of a run, and finds its evaluation sets. If the request is
// invalid, the error is a *run.RefusedError.
func (s *Selector) identify(
	ctx context.Context, plan *run.Plan, request selection.Request,
) (of identity, err error) {
	if request, err = s.pin(ctx, plan, request); err != nil {
		return of, err
	}
	if of.params, err = plan.Resolve(request); err != nil {
		return of, &run.RefusedError{Reason: err.Error()}
	}
	if of.evaluations, err = evaluations(ctx, s.sets, request.ExcludeNear); err != nil {
		return of, err
	}
	of.id, err = run.CanonicalHash(struct {
		Run         string                    `json:"run"`
		Algorithm   string                    `json:"algorithm"`
		Parameters  selection.ResolvedRequest `json:"parameters"`
		Evaluations []evaluation.Object       `json:"evaluations,omitempty"`
	}{plan.Run, AlgorithmVersion, of.params, of.evaluations})
	if err != nil {
		return of, fmt.Errorf("computing the selection's id: %w", err)
	}
	return of, nil
}

// ended reports whether a selection is completed or failed, and its event was published.
func (s *Selector) ended(ctx context.Context, sel *Selection) (bool, error) {
	if sel.Selected == 0 {
		return bucket.Exists(ctx, s.work, failedSentName(sel.Run, sel.ID))
	}
	return bucket.Exists(ctx, s.work, completedSentName(sel.Run, sel.ID))
}

// continueSelection publishes tasks for the missing parts of a selection, and reports whether it is complete.
func (s *Selector) continueSelection(ctx context.Context, plan *run.Plan, sel *Selection) (bool, error) {
	if ended, err := s.ended(ctx, sel); err != nil {
		return false, err
	} else if ended {
		// The delivery that completed it may have been killed before it published the event.
		bucket.RemoveTemporary(ctx, s.work, temporaryPrefix(sel.Run, sel.ID))
		return true, s.announceAutomatic(ctx, plan, sel)
	}
	if sel.Selected == 0 {
		return false, s.fail(ctx, plan, sel)
	}
	return false, s.publishParts(ctx, plan, sel)
}

// choose selects and writes selection.json. Before that it writes near.jsonl, on which the selection depends. It also
// writes the details first if the selection is empty, or if the pool does not stay in memory. Otherwise the first
// delivery that needs the details makes them, after the answer.
func (s *Selector) choose(ctx context.Context, plan *run.Plan, of identity) (*Selection, error) {
	id, params := of.id, of.params
	if err := s.keepNumbers(ctx, plan, params.Request); err != nil {
		return nil, err
	}
	pool, err := s.pool(ctx, plan, params.Request)
	if err != nil {
		return nil, err
	}
	near, err := s.contaminated(ctx, plan, pool, of)
	if err != nil {
		return nil, err
	}
	chosen, err := pool.apply(ctx, params, near.dropped)
	if err != nil {
		return nil, err
	}
	result := chosen.result
	sel := newSelection(plan, id, params, pool, result)
	sel.Evaluations, sel.Numbers = near.Contamination, pool.Numbers
	if near.Contamination != nil {
		sel.Outputs.Near = nearName(plan.Run, id)
	}
	if !params.Request.Caps.Cluster.IsZero() {
		if _, err := s.keepClusters(ctx, s.work, plan); err != nil {
			return nil, err
		}
		sel.Outputs.Clusters = clustersName(plan.Run, id)
	}
	if sel.Trade, err = pool.trade(chosen, params.Within); err != nil {
		return nil, err
	}
	if sel.Selected == 0 {
		sel.Problem = Nothing{
			Pool: pool, Params: chosen.params, Result: result, Name: sampleName(ctx, plan, pool.Samples),
			Unrated:  "check the scorer's answers, or select by other capabilities",
			Unstyled: "run the styler over the dataset, or give a rubric with the styles that it knows",
		}.Problem()
		sel.Outputs = Outputs{
			Selection: sel.Outputs.Selection, Near: sel.Outputs.Near, Clusters: sel.Outputs.Clusters,
		}
	}
	if sel.Selected == 0 || pool.bytes() > s.pools.maxBytes {
		if err := s.writeDetails(ctx, plan, sel, pool, chosen); err != nil {
			return nil, err
		}
	} else {
		s.chosen, s.chosenOf = chosen, selectionPrefix(plan.Run, id)
	}
	for _, p := range result.Picks {
		r := plan.RangeOf(int64(p.Sample))
		sel.PerRange[r]++
		sel.Manifests[plan.Ranges[r].Manifest].Selected++
	}
	_, err = bucket.CreateJSON(ctx, s.work, selectionName(plan.Run, id), sel)
	return sel, err
}

// newSelection makes the Selection of a result.
func newSelection(
	plan *run.Plan, id string, params selection.ResolvedRequest, pool *Pool, result *selection.Result,
) *Selection {
	return &Selection{
		ID: id, Run: plan.Run, Dataset: plan.Dataset, Algorithm: AlgorithmVersion, Parameters: params,
		Total: pool.Pool.Len(), Selected: len(result.Picks), Shortfall: result.Shortfall(), Shortfalls: result.Shortfalls,
		Capabilities: result.Capabilities, Summary: pool.Summarize(result, params.Request.Seed),
		Reach:    pool.Reach,
		PerRange: make([]int, len(plan.Ranges)), ScorerID: plan.ScorerID, Rubric: plan.Rubric.Hash(),
		Manifests: manifestsOf(plan),
		Outputs: Outputs{
			Subset:   subsetName(plan.Run, id, plan.Format()),
			Rejected: rejectedName(plan.Run, id), Picks: picksName(plan.Run, id), Selection: selectionName(plan.Run, id),
			Report: reportName(plan.Run, id),
		},
	}
}

// manifestsOf returns the files with a run's samples.
func manifestsOf(plan *run.Plan) []Manifest {
	var manifests []Manifest
	for _, m := range plan.Manifests {
		manifests = append(manifests, Manifest{
			Name: m.Name, Size: m.Size, CRC32C: fmt.Sprintf("%08x", m.CRC32C), Forms: m.Forms, Reading: m.Reading,
		})
	}
	return manifests
}
