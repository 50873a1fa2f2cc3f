package subset

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An asked records a requested selection of a large run. The selection is made later, because the caller would wait too
// long.
type asked struct {
	Selection *Selection `json:"selection"` // the fields that are known before the selection is made
	Request   string     `json:"request"`   // id of the request; empty for the plan's automatic selection
}

// Ask does the same as Select if the run has at most Limits.AnsweredSamples samples. For a larger run, Ask records the
// request, publishes the task that makes the selection, and returns without the result. It returns the known fields of
// the selection, which is in StateWriting.
func (s *Selector) Ask(
	ctx context.Context, runID string, request selection.Request, allowed run.Allowance,
) (*Selection, error) {
	plan, of, err := s.checkRequest(ctx, runID, request, allowed)
	if err != nil {
		return nil, err
	}
	if plan.Samples <= s.answeredSamples {
		return s.selectOf(ctx, plan, of)
	}
	if _, err := s.Selection(ctx, runID, of.id); err == nil {
		return s.selectOf(ctx, plan, of) // finds the existing selection, and continues its parts
	} else if !errors.Is(err, ErrNoSelection) {
		return nil, err
	}
	requestID, err := s.request(ctx, plan, request, allowed)
	if err != nil {
		return nil, err
	}
	pending := asked{Request: requestID, Selection: unmade(plan, of)}
	if _, err := bucket.CreateJSON(ctx, s.work, askedName(runID, of.id), pending); err != nil {
		return nil, err
	}
	return s.Find(ctx, runID, of.id)
}

// unmade returns the known fields of a selection that is not made yet.
func unmade(plan *run.Plan, of identity) *Selection {
	return &Selection{
		ID: of.id, Run: plan.Run, Dataset: plan.Dataset, Algorithm: AlgorithmVersion, Parameters: of.params,
		Total: int(plan.Samples), ScorerID: plan.ScorerID, Rubric: plan.Rubric.Hash(), Manifests: manifestsOf(plan),
	}
}

// Find does the same as Selection, but also finds a requested selection that is not made yet, or that was refused.
func (r *Reader) Find(ctx context.Context, runID, id string) (*Selection, error) {
	sel, err := r.Selection(ctx, runID, id)
	if !errors.Is(err, ErrNoSelection) || !idPattern.MatchString(id) {
		return sel, err
	}
	var pending asked
	if missing := bucket.ReadJSON(ctx, r.work, askedName(runID, id), &pending); errors.Is(missing, bucket.ErrNotExist) {
		return nil, err
	} else if missing != nil {
		return nil, r.lost(runID, id, missing)
	}
	if pending.Selection.Problem != "" { // it was refused
		return pending.Selection, nil
	}
	name := madeName(runID)
	if pending.Request != "" {
		name = requestMadeName(runID, pending.Request)
	}
	made := new(result)
	if err := bucket.ReadJSON(ctx, r.work, name, made); err == nil && made.Problem == "" {
		return r.Selection(ctx, runID, id) // it was made in the meantime
	} else if err != nil && !errors.Is(err, bucket.ErrNotExist) {
		return nil, fmt.Errorf("looking for selection %s of run %s: %w", id, runID, err)
	}
	pending.Selection.Problem = made.Problem
	return pending.Selection, nil
}
