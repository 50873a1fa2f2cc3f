package subset

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// MakeSelections does a task for a scored run: it makes one requested selection, finds the near duplicates, or makes
// all automatic selections. It returns the selections that it made, even with an error. A *run.RefusedError is
// permanent.
func (s *Selector) MakeSelections(ctx context.Context, task events.SelectTask) ([]*Selection, error) {
	if task.Request == "" {
		return s.selectAutomatically(ctx, task.Run)
	}
	if isClustersRequest(task.Request) {
		return nil, s.findRequested(ctx, task)
	}
	sel, err := s.selectRequested(ctx, task)
	if err != nil {
		return nil, err
	}
	return []*Selection{sel}, nil
}

// selectRequested makes one selection that was requested after its run was planned.
func (s *Selector) selectRequested(ctx context.Context, task events.SelectTask) (*Selection, error) {
	var request requested
	err := bucket.ReadJSON(ctx, s.work, requestName(task.Run, task.Request), &request)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, events.DataError(err)
	} else if err != nil {
		return nil, err
	}
	sel, err := s.selectWhole(ctx, task.Run, request)
	refused, final := errors.AsType[*run.RefusedError](err)
	if err != nil && !final {
		return nil, err
	}
	if final {
		if err := s.keepRefused(ctx, task.Run, request.Request, refused.Reason, false); err != nil {
			return nil, err
		}
	}
	_, marked := bucket.CreateJSON(ctx, s.work, requestMadeName(task.Run, task.Request), resultOf(sel, err))
	return sel, errors.Join(err, marked)
}

// selectWhole makes a selection together with its details, because no caller waits for it.
func (s *Selector) selectWhole(ctx context.Context, runID string, request requested) (*Selection, error) {
	sel, err := s.Select(ctx, runID, request.Request, request.MaxFailed)
	if err != nil {
		return nil, err
	}
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	return sel, s.ensureDetails(ctx, plan, sel.ID)
}

// A result is the content of an object that records that selections are made. Problem is the reason why selections were
// refused or picked nothing.
type result struct {
	Problem string `json:"problem,omitempty"`
}

// madeOf reads such an object. It returns the zero value if the selections are not made. If the object is damaged,
// Problem reports this, and the same request is tried again.
func madeOf(ctx context.Context, work bucket.Reader, name string) (made result, err error) {
	err = bucket.ReadJSON(ctx, work, name, &made)
	switch {
	case errors.Is(err, bucket.ErrDamaged):
		return result{fmt.Sprintf("whether the selections were made is not known: %v; request them again", err)}, nil
	case err != nil && !errors.Is(err, bucket.ErrNotExist):
		return made, fmt.Errorf("checking whether selections are made: %w", err)
	}
	return made, nil
}

// resultOf returns the result of one selection, or of its refusal.
func resultOf(sel *Selection, refused error) result {
	if refused != nil {
		return result{refused.Error()}
	}
	return result{sel.Problem}
}

// selectAutomatically makes every automatic selection of a scored run: the plan's selection and the requested
// selections.
func (s *Selector) selectAutomatically(ctx context.Context, runID string) ([]*Selection, error) {
	plan, err := s.runs.Plan(ctx, runID)
	if errors.Is(err, run.ErrNoRun) {
		return nil, events.DataError(err)
	} else if err != nil {
		return nil, err
	}
	requests, err := s.requests(ctx, runID)
	if err != nil {
		return nil, err
	}
	if !plan.Selection.Budget.IsZero() {
		requests = append([]requested{{Request: plan.Selection}}, requests...)
		err := s.notify(ctx, plan, plan.Selection)
		if _, refused := errors.AsType[*run.RefusedError](err); err != nil && !refused { // Select refuses for the same reason
			return nil, err
		}
	}
	var made []*Selection
	var problems []string
	var refusals []error
	for _, request := range requests {
		sel, err := s.selectWhole(ctx, runID, request)
		if refused, final := errors.AsType[*run.RefusedError](err); final { // the next request may allow more
			refusals = append(refusals, err)
			if err := s.keepRefused(ctx, runID, request.Request, refused.Reason, true); err != nil {
				return made, err
			}
		} else if err != nil {
			return made, err
		} else {
			made = append(made, sel)
		}
		if problem := resultOf(sel, err).Problem; problem != "" {
			problems = append(problems, problem)
		}
	}
	_, marked := bucket.CreateJSON(ctx, s.work, madeName(runID), result{strings.Join(problems, "\n")})
	return made, errors.Join(append(refusals, marked)...)
}

// keepRefused records a refused automatic selection as a failed selection, and publishes its event, so that people who
// wait for the selection get the reason. If the request can be identified, the id is the selection's id.
func (s *Selector) keepRefused(
	ctx context.Context, runID string, request selection.Request, reason string, automatic bool,
) error {
	plan, err := s.runs.Plan(ctx, runID)
	if err != nil {
		return err
	}
	of, err := s.identify(ctx, plan, request)
	if _, refused := errors.AsType[*run.RefusedError](err); refused {
		of.params.Request = request
		of.id, err = run.CanonicalHash([]any{plan.Run, AlgorithmVersion, "refused", request})
	}
	if err != nil {
		return err
	}
	sel := unmade(plan, of)
	sel.Problem = reason
	if automatic {
		if _, err := bucket.CreateJSON(ctx, s.work, automaticName(runID, of.id), struct{}{}); err != nil {
			return err
		}
	}
	if _, err := bucket.CreateJSON(ctx, s.work, askedName(runID, of.id), asked{Selection: sel}); err != nil {
		return err
	}
	return s.fail(ctx, plan, sel)
}
