package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"golang.org/x/sync/errgroup"
)

// A judge is a model that chooses the better sample of a pair.
type judge struct {
	endpoint *llm.Endpoint
	plan     *run.Plan
	images   report.Images
	memory   *memory.Budget
	warn     io.Writer
}

// newJudge opens the model and the images of the dataset. The caller has to close the judge.
func (c *reviewCommand) newJudge(ctx context.Context, r *reviewSession, warn io.Writer) (*judge, error) {
	kind, at, err := c.judge.choose(kinds.Config{})
	if err != nil {
		return nil, err
	}
	if kind != kinds.LLM {
		return nil, usageError{fmt.Errorf("--judge %s: give llm:URL, and --model", c.judge.scorer)}
	}
	state, work, err := openExisting(c.state)
	if err != nil {
		return nil, err
	}
	in, err := loadInput(state, r.plan.Run)
	if err != nil {
		return nil, fmt.Errorf("--judge: %w", err)
	}
	j := &judge{plan: r.plan, warn: warn}
	if j.memory, err = imageMemory(r.plan.Options.Images, at); err != nil {
		return nil, err
	}
	if j.endpoint, err = llm.New(at.LLM, llm.Options{Memory: j.memory, Work: work}); err != nil {
		return nil, usageError{fmt.Errorf("--judge: %w", err)}
	}
	j.images, err = in.pictures(work)(ctx, r.plan)
	return j, err
}

// Close closes the images.
func (j *judge) Close() error { return j.images.Close() }

// choose asks the model about a pair in both orders. If the two answers differ, the model decided by the order, and the
// choice is a tie.
func (j *judge) choose(
	ctx context.Context, pair review.Pair, samples [2]*dataset.Sample,
) (review.Choice, error) {
	hold := j.memory.NewHold(1)
	defer hold.Release()
	var items [2]scorer.Item
	for i, index := range []int64{pair.Left, pair.Right} {
		fetched, fault, err := j.images.Fetch(ctx, j.plan.RangeOf(index), samples[i], hold)
		if err != nil {
			return "", err
		}
		if fault != nil {
			return j.pass(pair, errors.New(fault.Reason()))
		}
		items[i] = scorer.Item{Sample: samples[i], Images: fetched.Images}
	}
	var answers [2]int
	group, working := errgroup.WithContext(ctx)
	for order, shown := range [][2]scorer.Item{items, {items[1], items[0]}} {
		group.Go(func() (err error) {
			answers[order], _, err = j.endpoint.Compare(working, j.plan.Run, pair.Capability, shown)
			return err
		})
	}
	err := group.Wait()
	if _, stop := errors.AsType[*scorer.StopError](err); stop || ctx.Err() != nil {
		return "", err
	} else if err != nil {
		return j.pass(pair, err)
	}
	switch answers {
	case [2]int{1, 2}:
		return review.Left, nil
	case [2]int{2, 1}:
		return review.Right, nil
	default:
		return review.Tie, nil
	}
}

// pass prints the reason why a pair gets no choice, and returns errNoChoice.
func (j *judge) pass(pair review.Pair, why error) (review.Choice, error) {
	fmt.Fprintf(j.warn, "harvest: pair %d has no choice: %v\n", pair.Number, why)
	return "", errNoChoice
}
