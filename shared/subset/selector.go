package subset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// AlgorithmVersion changes whenever equal scores and parameters would be selected from differently.
const AlgorithmVersion = "mmssr-3"

// A Selector makes the selections of runs. It is a Reader of them, too.
type Selector struct {
	*Reader
	work   bucket.Bucket
	texts  run.Texts // that subsets of containers are copied from
	index  *run.Index
	tasks  events.Publisher
	events events.Publisher
	now    func() time.Time
	again  run.Republisher
	// answeredSamples is Limits.AnsweredSamples.
	answeredSamples int64
}

// A Config is what a Selector needs.
type Config struct {
	Runs   *run.Reader // of the work bucket
	Work   bucket.Bucket
	Input  bucket.Reader
	Tasks  events.Publisher
	Events events.Publisher
	Now    func() time.Time
	// Process is what the selector works in.
	Process run.Process
	Limits  Limits
}

// NewSelector makes a selector.
func NewSelector(c Config) (*Selector, error) {
	if c.Runs == nil || c.Work == nil || c.Input == nil || c.Tasks == nil || c.Events == nil || c.Now == nil ||
		c.Process.ID == "" {
		return nil, errors.New(
			"making a subset.Selector: its run.Reader, one of its buckets, a topic, its clock or its process is missing")
	}
	reader, err := NewReader(c.Runs, c.Work, c.Limits)
	if err != nil {
		return nil, err
	}
	return &Selector{
		Reader: reader, work: c.Work, index: run.NewIndex(c.Work), tasks: c.Tasks, events: c.Events, now: c.Now,
		texts:           run.Texts{Input: c.Input, Work: c.Work},
		again:           run.Republisher{Work: c.Work, Process: c.Process, Now: c.Now},
		answeredSamples: c.Limits.AnsweredSamples,
	}, nil
}

// Select chooses a subset of a scored run, or finds the selection with equal parameters, and publishes tasks for the
// outputs that are missing. If more samples failed than are allowed, or than the run's plan allows where that is not
// given, it refuses. A *run.RefusedError is a fault of the request or of the run.
func (s *Selector) Select(
	ctx context.Context, runID string, request selection.Request, allowed run.Allowance,
) (*Selection, error) {
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	if err := s.runs.CheckUsable(ctx, plan, allowed); err != nil {
		return nil, err
	}
	id, params, err := identify(plan, request)
	if err != nil {
		return nil, err
	}
	sel, err := s.Selection(ctx, runID, id)
	if errors.Is(err, ErrNoSelection) {
		err = s.pools.compute(ctx, func() error {
			// Another call may have made it while this one waited.
			if sel, err = s.Selection(ctx, runID, id); errors.Is(err, ErrNoSelection) {
				sel, err = s.choose(ctx, plan, id, params)
			}
			return err
		})
	}
	if _, refused := errors.AsType[*run.RefusedError](err); refused {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("selecting from run %s: %w", runID, err)
	}
	if ended, err := s.ended(ctx, sel); ended || err != nil {
		return sel, err
	}
	if err := s.index.Accept(
		ctx, run.Entry{Run: runID, Selection: id}, acceptedName(runID, id), s.now(),
	); err != nil {
		return nil, err
	}
	_, err = s.continueSelection(ctx, plan, sel)
	return sel, err
}

// identify resolves a request for a selection of a run, and gives the selection's id. A *run.RefusedError is a fault of
// the request.
func identify(plan *run.Plan, request selection.Request) (string, selection.ResolvedRequest, error) {
	params, err := plan.Resolve(request)
	if err != nil {
		return "", params, &run.RefusedError{Reason: err.Error()}
	}
	id, err := run.CanonicalHash(struct {
		Run        string                    `json:"run"`
		Algorithm  string                    `json:"algorithm"`
		Parameters selection.ResolvedRequest `json:"parameters"`
	}{plan.Run, AlgorithmVersion, params})
	if err != nil {
		return "", params, fmt.Errorf("computing the selection's id: %w", err)
	}
	return id, params, nil
}

// ended reports whether a selection's event is published: it is completed, or failed.
func (s *Selector) ended(ctx context.Context, sel *Selection) (bool, error) {
	if sel.Selected == 0 {
		return bucket.Exists(ctx, s.work, failedSentName(sel.Run, sel.ID))
	}
	return bucket.Exists(ctx, s.work, completedSentName(sel.Run, sel.ID))
}

// continueSelection publishes what is missing of a selection, and reports whether nothing is.
func (s *Selector) continueSelection(ctx context.Context, plan *run.Plan, sel *Selection) (bool, error) {
	if ended, err := s.ended(ctx, sel); err != nil {
		return false, err
	} else if ended {
		// The delivery that completed it may have been killed before.
		bucket.RemoveTemporary(ctx, s.work, temporaryPrefix(sel.Run, sel.ID))
		return true, nil
	}
	if sel.Selected == 0 {
		return false, s.fail(ctx, plan, sel)
	}
	return false, s.publishParts(ctx, plan, sel)
}

// choose selects and writes everything but the parts; selection.json comes last.
func (s *Selector) choose(
	ctx context.Context, plan *run.Plan, id string, params selection.ResolvedRequest,
) (*Selection, error) {
	pool, err := s.pool(ctx, plan, params.Request)
	if err != nil {
		return nil, err
	}
	chosen, err := pool.apply(ctx, params)
	if err != nil {
		return nil, err
	}
	result := chosen.result
	sel := newSelection(plan, id, params, pool, result)
	if sel.Trade, err = pool.trade(chosen, params.Within); err != nil {
		return nil, err
	}
	if sel.Selected == 0 {
		sel.Problem = Nothing{
			Pool: pool, Params: chosen.params, Result: result, Name: sampleName(ctx, plan, pool.Samples),
			Unrated:  "look at the scorer's answers, or select by other capabilities",
			Unstyled: "run the styler over the dataset, or give a rubric with the styles that it knows",
		}.Problem()
		sel.Outputs = Outputs{Selection: sel.Outputs.Selection}
	}
	for _, p := range result.Picks {
		r := plan.RangeOf(int64(p.Sample))
		sel.PerRange[r]++
		sel.Manifests[plan.Ranges[r].Manifest].Selected++
	}
	group, writing := errgroup.WithContext(ctx)
	group.Go(func() error { return s.writePicks(writing, plan, id, pool, result) })
	group.Go(func() error { return s.writeReasons(writing, plan, id, pool, chosen) })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	_, err = bucket.CreateJSON(ctx, s.work, selectionName(plan.Run, id), sel)
	return sel, err
}

// writeReasons writes why samples are not in a selection, and how near they came.
func (s *Selector) writeReasons(ctx context.Context, plan *run.Plan, id string, pool *Pool, chosen *choice) error {
	reasons := pool.Reasons(chosen.params, chosen.result)
	_, err := bucket.CreateOnce(ctx, s.work, reasonsName(plan.Run, id), func(w io.Writer) error {
		return scores.WriteReasons(w, reasons.Len(), func(i int) string { return string(reasons.At(i)) })
	})
	if err != nil {
		return err
	}
	misses := pool.NearMisses(chosen.params, chosen.result, reasons)
	_, err = bucket.CreateOnce(ctx, s.work, missesName(plan.Run, id), func(w io.Writer) error {
		return writeMisses(w, reasons.Len(), misses)
	})
	return err
}

// newSelection is the selection of a result.
func newSelection(
	plan *run.Plan, id string, params selection.ResolvedRequest, pool *Pool, result *selection.Result,
) *Selection {
	return &Selection{
		ID: id, Run: plan.Run, Dataset: plan.Dataset, Algorithm: AlgorithmVersion, Parameters: params,
		Total: pool.Pool.Len(), Selected: len(result.Picks), Shortfall: result.Shortfall(), Shortfalls: result.Shortfalls,
		Capabilities: result.Capabilities, Summary: pool.Summarize(result, params.Request.Seed),
		PerRange: make([]int, len(plan.Ranges)), ScorerID: plan.ScorerID, Rubric: plan.Rubric.Hash(),
		Manifests: manifestsOf(plan),
		Outputs: Outputs{
			Subset:   subsetName(plan.Run, id, plan.Format()),
			Rejected: rejectedName(plan.Run, id), Picks: picksName(plan.Run, id), Selection: selectionName(plan.Run, id),
		},
	}
}

// manifestsOf are the files that hold a run's samples.
func manifestsOf(plan *run.Plan) []Manifest {
	var manifests []Manifest
	for _, m := range plan.Manifests {
		manifests = append(manifests, Manifest{
			Name: m.Name, Size: m.Size, CRC32C: fmt.Sprintf("%08x", m.CRC32C), Forms: m.Forms, Reading: m.Reading,
		})
	}
	return manifests
}

// writePicks writes the picks of a selection.
func (s *Selector) writePicks(
	ctx context.Context, plan *run.Plan, id string, pool *Pool, result *selection.Result,
) error {
	ids, err := pool.idsOf(ctx, result.Samples())
	if err != nil {
		return err
	}
	_, err = bucket.CreateOnce(ctx, s.work, picksName(plan.Run, id), func(w io.Writer) error {
		row := pool.pickRows(ids, result)
		return scores.WritePicks(w, len(result.Picks), func(i int) scores.Pick {
			pick := row(i)
			pick.Range = plan.RangeOf(pick.Index)
			pick.Position = int(pick.Index - plan.Ranges[pick.Range].FirstIndex)
			return pick
		})
	})
	return err
}
