package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A localPlan is the plan of a run of a dataset on this machine. Planning does not write objects of the run.
type localPlan struct {
	*run.Plan
	again   bool          // the state folder has this run already
	state   string        // folder
	typed   string        // --state, as it was typed
	work    bucket.Bucket // the state folder as a bucket
	files   bucket.Reader // the input bucket
	scorers *kinds.Opener
	memory  *memory.Budget
	limits  run.Limits
	planner *run.Planner
	subsets *subset.Reader
}

// plan plans a run of the dataset that spec describes. files is the input bucket. Warnings go to log.
func (in input) plan(
	ctx context.Context, spec run.Spec, files bucket.Reader, state string, log io.Writer,
) (*localPlan, error) {
	folder, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	l, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	budget, err := imageMemory(l.Images, in.Scorers)
	if err != nil {
		return nil, err
	}
	opener, err := openerFor(in.Scorers, budget, work, userLog(ctx, log))
	if err != nil {
		return nil, err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return nil, err
	}
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: runs, Input: files, Work: work, OpenScorer: opener.Open, Limits: l, Memory: budget,
	})
	if err != nil {
		return nil, err
	}
	plan, err := planner.Plan(ctx, spec)
	if err != nil {
		return nil, in.refused(err)
	}
	for _, note := range plan.Notes {
		if _, err := fmt.Fprintln(log, "harvest: warning:", note); err != nil {
			return nil, err
		}
	}
	_, err = runs.Plan(ctx, plan.Run)
	if err != nil && !errors.Is(err, run.ErrNoRun) && !errors.Is(err, run.ErrPlanning) {
		return nil, err
	}
	return &localPlan{
		Plan: plan, again: err == nil, state: folder, typed: state, work: work, files: files, scorers: opener, memory: budget,
		limits: l, planner: planner, subsets: subsets,
	}, nil
}

// texts returns a reader of the dataset's manifests.
func (p *localPlan) texts() run.Texts { return run.Texts{Input: p.files, Work: p.work} }

// clean removes the temporary objects of the plan. If a later command needs these objects, it makes them again.
func (p *localPlan) clean(ctx context.Context) {
	p.RemoveUnpacked(ctx, p.work)
}

// unselectable returns the error of a selection that cannot be made. It begins with the problems of records, because
// they may be the cause. The error is a usageError. But if no record can be used, it is not, because another budget
// does not help.
func (p *localPlan) unselectable(ctx context.Context, selection error) error {
	v, err := p.planner.Survey(ctx, p.Plan)
	switch {
	case err != nil || v.Valid == v.Samples:
		return usageError{selection}
	case v.Valid == 0:
		return nothingUsable(v)
	}
	return usageError{fmt.Errorf("%d of %d records cannot be used (%s); %w",
		v.Samples-v.Valid, v.Samples, mostFrequent(v), selection)}
}

// nothingUsable returns the error of a dataset in which every surveyed record has a problem.
func nothingUsable(v *run.Survey) error {
	return fmt.Errorf("%s: %s", run.NoneOf(v.Samples, "record", "be used"), mostFrequent(v))
}

// mostFrequent returns the most frequent problem of a survey, with an example.
func mostFrequent(v *run.Survey) string {
	code := reason.MostFrequent(v.Problems)
	text := fmt.Sprintf("%q (%d of them)", code.Phrase(), v.Problems[code])
	if examples := v.Examples[code]; len(examples) > 0 {
		text += ", such as " + examples[0]
	}
	return text
}

// checkImages checks, before scoring, if a part of the dataset's images exist. If most of these images are missing, it
// prints a warning. If all are missing, and more samples have images than may fail, it returns an error.
func (p *localPlan) checkImages(ctx context.Context, allowed run.Allowance, show io.Writer) error {
	check, err := p.planner.CheckImages(ctx, p.Plan)
	if err != nil || check.Missing == 0 {
		return err
	}
	if check.Missing == check.Names && !allowed.Allows(check.Named, check.Samples) {
		return fmt.Errorf("images: %s; give --max-failed 100%% to continue without them", check.Message())
	}
	return warnOfImages(check, show)
}

// warnOfImages prints a warning if most of the checked images are missing, for commands that continue without images.
func (p *localPlan) warnOfImages(ctx context.Context, show io.Writer) error {
	check, err := p.planner.CheckImages(ctx, p.Plan)
	if err != nil {
		return err
	}
	return warnOfImages(check, show)
}

// warnOfImages warns if most images are missing.
func warnOfImages(check run.ImageCheck, show io.Writer) (err error) {
	if check.MostMissing() {
		_, err = fmt.Fprintln(show, "harvest: warning: images:", check.Message())
	}
	return err
}

// deploy returns the deployment that runs the plan.
func (p *localPlan) deploy(scorers kinds.Config, show *display) deployment {
	return deployment{input: p.files, work: p.work, scorers: scorers, state: p.typed, show: show}
}

// plan plans the run of the dataset that the flags and arguments name, for commands that do not start a run.
func (f datasetFlags) plan(ctx context.Context, manifests []string, state string) (*localPlan, error) {
	in, spec, err := f.input(ctx, manifests, state)
	if err != nil {
		return nil, err
	}
	files, err := in.bucket(spec)
	if err != nil {
		return nil, err
	}
	return in.plan(ctx, spec, files, state, plainText{messagesTo(os.Stderr)})
}

// affordable refuses a plan that would wait for an approval. On this machine a user approves a run by raising the
// limit.
func (p *localPlan) affordable() error {
	if p.NeedsApproval {
		return fmt.Errorf("the run is estimated at $%.2f, more than MAX_RUN_COST; raise this limit to start the run",
			p.EstimatedCost)
	}
	return nil
}

// showEstimate prints the estimate of a paid scorer, before the scorer costs anything.
func (p *localPlan) showEstimate(ctx context.Context, w io.Writer) error {
	if p.Scorer != kinds.LLM {
		return nil
	}
	v, err := p.planner.Survey(ctx, p.Plan)
	if err != nil || v.Estimate == nil { // no sample is to be rated
		return err
	}
	if !p.again {
		if err := p.probe(ctx); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "harvest: %s by %s: estimated cost %s, estimated time %v (limited by %s)\n",
		number(int(v.Valid), "sample"), p.ScorerID, p.cost(v), seconds(v.Seconds, time.Second), v.Estimate.LimitedBy)
	return err
}

// cost returns the estimated cost as text, from the scorer's own estimate if there is one.
func (p *localPlan) cost(v *run.Survey) string {
	if v.Estimate == nil {
		return fmt.Sprintf("$%.2f", p.EstimatedCost)
	}
	return dollarsOf(v.Estimate)
}

// dollarsOf returns the cost of an estimate, as text.
func dollarsOf(e *scorer.Estimate) string {
	if e.Dollars == nil {
		return "unknown: give prices in LLM_PRICES"
	}
	return fmt.Sprintf("$%.2f", *e.Dollars)
}

// probe sends a test request to a scorer of kind llm. Other scorers are not tested.
func (p *localPlan) probe(ctx context.Context) error {
	if p.Scorer != kinds.LLM {
		return nil
	}
	opened, err := p.scorers.Open(ctx, p.ScorerKind(), p.Rubric)
	if err != nil {
		return err
	}
	if prober, ok := opened.(scorer.Prober); ok {
		if err := prober.Probe(ctx); err != nil {
			return fmt.Errorf("scorer %s: %w", p.ScorerKind(), err)
		}
	}
	return nil
}

// seconds returns n seconds as a duration, rounded to a multiple of the duration to.
func seconds(n float64, to time.Duration) time.Duration {
	return time.Duration(n * float64(time.Second)).Round(to)
}
