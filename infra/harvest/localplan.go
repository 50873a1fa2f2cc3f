package main

import (
	"context"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// A plannedRun is one that is about to begin.
type plannedRun struct {
	state string
	work  bucket.Bucket
	runs  *run.Store
	plan  *run.Plan
}

// plan plans a run of the input's content in a state folder.
func (in input) plan(ctx context.Context, spec run.Spec, files bucket.Reader, state string, show *display) (*plannedRun, error) {
	state, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	l, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := planner(files, work, in.Scorers, personLog(show))
	if err != nil {
		return nil, err
	}
	plan, err := runs.NewPlan(ctx, spec, l)
	if err != nil {
		return nil, err
	}
	if plan.NeedsApproval {
		return nil, fmt.Errorf("the run is estimated at $%.2f, more than MAX_RUN_COST; raise that limit to let it begin", plan.EstimatedCost)
	}
	return &plannedRun{state, work, runs, plan}, nil
}

// cost is the best estimate there is.
func cost(plan *run.Plan, v *run.Survey) string {
	switch {
	case v.Estimate == nil:
		return fmt.Sprintf("$%.2f", plan.EstimatedCost)
	case v.Estimate.Dollars == nil:
		return "unknown: give prices in LLM_PRICES"
	default:
		return fmt.Sprintf("$%.2f", *v.Estimate.Dollars)
	}
}

// tellEstimate shows what a paid scorer takes, before anything is spent.
func (p *plannedRun) tellEstimate(ctx context.Context, show *display) error {
	if p.plan.Scorer != kinds.LLM {
		return nil
	}
	v, err := p.runs.Survey(ctx, p.plan)
	if err != nil || v.Estimate == nil { // there is nothing to rate
		return err
	}
	_, err = fmt.Fprintf(show, "%d samples by %s: estimated cost %s, estimated time %v (limited by %s)\n",
		v.Sound, p.plan.ScorerID, cost(p.plan, v), time.Duration(v.Seconds*float64(time.Second)).Round(time.Second), v.Estimate.LimitedBy)
	return err
}
