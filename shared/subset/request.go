package subset

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A requested selection is the object that Request writes.
type requested struct {
	selection.Request
	MaxFailed run.Allowance `json:"max_failed,omitzero"` // the plan's allowance if it is zero
}

// AcceptRun accepts the run of a dataset for an upload or a call, and returns its id. If the run is planned already, it
// continues the run, records the requested selection, and accepts a check of the images. Otherwise it publishes the
// task of planning. Each step can be repeated: if a process is killed before it has answered or acknowledged, the
// caller does everything again. The error is a *run.RefusedError if the dataset or the spec is invalid, and
// scorer.ErrUnavailable if the run's id cannot be computed now.
func (s *Selector) AcceptRun(
	ctx context.Context, planner *run.Planner, worker *run.Worker, spec run.Spec, upload run.Upload,
) (string, error) {
	plan, _, err := s.acceptPlan(ctx, planner, worker, spec, upload)
	if plan == nil {
		return "", err
	}
	return plan.Run, err
}

// acceptPlan is AcceptRun, and returns the plan of the run. The plan has no ranges if the run is not planned yet, and a
// Problem if the run was refused. planned reports whether the run had its plan before.
func (s *Selector) acceptPlan(
	ctx context.Context, planner *run.Planner, worker *run.Worker, spec run.Spec, upload run.Upload,
) (plan *run.Plan, planned bool, err error) {
	plan, planned, err = planner.Identify(ctx, spec)
	if err != nil {
		return nil, false, err
	}
	if !planned {
		if err := worker.Accept(ctx, plan, spec); err != nil {
			return nil, false, err
		}
		// The run may have been planned in the meantime, by a delivery that did not find this request.
		known, err := s.runs.Plan(ctx, plan.Run)
		if errors.Is(err, run.ErrPlanning) {
			return plan, false, nil
		} else if err != nil {
			return nil, false, err
		}
		return known, false, s.Request(ctx, known, spec.Request, spec.MaxFailed)
	}
	if plan, err = worker.Start(ctx, plan); err != nil {
		return nil, false, err
	}
	if err := s.Request(ctx, plan, spec.Request, spec.MaxFailed); err != nil || spec.NoImageCheck {
		return plan, true, err
	}
	// The check comes last, because it may start an attempt: that attempt gets copies of the requests recorded before.
	return plan, true, worker.AcceptImageCheck(ctx, plan, upload)
}

// PlanRun does a step of planning an accepted run. After the last step it starts the run, records the requested
// selections, and returns the plan; before that it returns nil. A plan with a Problem was refused. created is true for
// the step that made the plan.
func (s *Selector) PlanRun(
	ctx context.Context, planner *run.Planner, worker *run.Worker, task events.PlanTask, delivery string,
) (plan *run.Plan, created bool, err error) {
	asked, err := s.runs.Asked(ctx, task.Run)
	if err != nil {
		return nil, false, err
	}
	if len(asked) == 0 {
		return nil, false, events.DataError(fmt.Errorf("there is no request for run %s", task.Run))
	}
	plan, created, err = worker.PlanAccepted(ctx, planner, task, asked[0], delivery)
	if err != nil || plan == nil || plan.Problem != "" {
		return plan, created, err
	}
	// This includes requests that came during planning. A later request finds the plan.
	if asked, err = s.runs.Asked(ctx, task.Run); err != nil {
		return nil, false, err
	}
	var refused []error
	for _, spec := range asked {
		err := s.Request(ctx, plan, spec.Request, spec.MaxFailed)
		if _, final := errors.AsType[*run.RefusedError](err); final {
			refused = append(refused, err)
		} else if err != nil {
			return nil, false, err
		}
	}
	return plan, created, events.DataError(errors.Join(refused...))
}

// Request records an automatic selection that the run's plan does not have, for example if dataset.yaml is uploaded
// again with another budget. If the run is already scored, it publishes the task. Call Request after the run was
// started; it can be repeated. It does nothing for a request without a budget, or for a refused run. The error is a
// *run.RefusedError if the request is invalid.
func (s *Selector) Request(
	ctx context.Context, plan *run.Plan, request selection.Request, allowed run.Allowance,
) error {
	if request.Budget.IsZero() || plan.Problem != "" {
		return nil
	}
	if err := s.notify(ctx, plan, request); err != nil {
		return err
	}
	_, err := s.request(ctx, plan, request, allowed)
	return err
}

// request does the same as Request, and returns the id of the request; empty for the automatic selection of the plan.
func (s *Selector) request(
	ctx context.Context, plan *run.Plan, request selection.Request, allowed run.Allowance,
) (string, error) {
	request, err := s.pin(ctx, plan, request)
	if err != nil {
		return "", err
	}
	planned, err := s.pin(ctx, plan, plan.Selection)
	if _, refused := errors.AsType[*run.RefusedError](err); err != nil && !refused { // the id cannot be computed yet
		return "", err
	}
	id, err := requestID(plan, planned, request, allowed)
	if err == nil {
		id, err = s.requestAgain(ctx, plan, id, request, allowed)
	}
	if err != nil || id == "" {
		return "", err
	}
	recorded := requested{Request: request, MaxFailed: allowed}
	if _, err := bucket.CreateJSON(ctx, s.work, requestName(plan.Run, id), recorded); err != nil {
		return "", err
	}
	entry := run.Entry{Run: plan.Run, Request: id}
	if err := s.index.Accept(ctx, entry, requestAcceptedName(plan.Run, id), s.now()); err != nil {
		return "", err
	}
	// The record is written before this check. So if the run is marked as scored after the check, the listing of
	// requests that follows the mark finds the record.
	if scored, err := s.runs.Scored(ctx, plan.Run); !scored || err != nil {
		return id, err
	}
	_, err = s.continueRequest(ctx, plan.Run, id)
	return id, err
}

// requestAgain returns the id of a request. If its selection was refused or picked nothing, it returns a new id, so
// that the request is tried again: the cause may be fixed.
func (s *Selector) requestAgain(
	ctx context.Context, plan *run.Plan, id string, request selection.Request, allowed run.Allowance,
) (string, error) {
	name := madeName(plan.Run)
	if id != "" {
		name = requestMadeName(plan.Run, id)
	}
	for {
		made, err := madeOf(ctx, s.work, name)
		if err != nil || made.Problem == "" {
			return id, err
		}
		if id, err = run.CanonicalHash([]any{id, request, allowed}); err != nil {
			return "", fmt.Errorf("identifying a request: %w", err)
		}
		name = requestMadeName(plan.Run, id)
	}
}

// continueRequest publishes the task of a request for a scored run, unless the request is done. The task makes a
// selection, or searches for the run's near duplicates. continueRequest reports whether the request is done.
func (s *Selector) continueRequest(ctx context.Context, runID, id string) (bool, error) {
	if made, err := bucket.Exists(ctx, s.work, requestMadeName(runID, id)); made || err != nil {
		return made, err
	}
	name := requestSentName(runID, id)
	if due, err := s.again.Due(ctx, name, againName(runID, "request-"+id), run.GraceTime); !due || err != nil {
		return false, err
	}
	if err := s.tasks.Publish(ctx, events.SelectTask{Run: runID, Request: id}.Message()); err != nil {
		return false, err
	}
	return false, s.again.Sent(ctx, name, "select "+id)
}

// StartAttempt starts the next attempt of a scored run, with all its requested selections. Each step can be repeated.
// The error is a *run.RefusedError if the run or its manifests are invalid.
func (s *Selector) StartAttempt(
	ctx context.Context, planner *run.Planner, worker *run.Worker, runID string,
) (*run.Plan, error) {
	next, err := planner.NextAttempt(ctx, runID)
	if err != nil {
		return nil, err
	}
	if next, err = worker.Start(ctx, next); err != nil {
		return nil, err
	}
	return next, s.copyRequests(ctx, runID, next)
}

// CheckImages does a step of a check of a run's images, and starts the run's next attempt if an image has changed. It
// returns the attempt's plan; nil if it started none.
func (s *Selector) CheckImages(
	ctx context.Context, planner *run.Planner, worker *run.Worker, task events.ImagesTask,
) (*run.Plan, error) {
	changed, err := worker.CheckImages(ctx, task)
	if err == nil && !changed {
		return nil, nil
	}
	var next *run.Plan
	if err == nil {
		next, err = s.StartAttempt(ctx, planner, worker, task.Run)
	}
	if refused, final := errors.AsType[*run.RefusedError](err); final {
		// A manifest was replaced in the meantime; the new manifest has its own run.
		return nil, worker.EndImageCheck(ctx, task, run.CheckResult{Problem: refused.Reason})
	} else if err != nil {
		return nil, worker.FailImageCheck(ctx, task, err)
	}
	return next, worker.EndImageCheck(ctx, task, run.CheckResult{Attempt: next.Run})
}

// copyRequests copies the requests of an earlier attempt to a run. It can be repeated.
func (s *Selector) copyRequests(ctx context.Context, earlier string, plan *run.Plan) error {
	requests, err := s.requests(ctx, earlier)
	if err != nil {
		return err
	}
	before, err := s.runs.Plan(ctx, earlier)
	if err != nil {
		return err
	}
	for _, request := range requests {
		automatic, err := s.isAutomatic(ctx, before, request.Request)
		if err != nil {
			return err
		}
		if automatic {
			err = s.Request(ctx, plan, request.Request, request.MaxFailed)
		} else {
			_, err = s.request(ctx, plan, request.Request, request.MaxFailed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// requests returns the selections that were requested after a run was planned.
func (r *Reader) requests(ctx context.Context, runID string) ([]requested, error) {
	ids, err := r.requestIDs(ctx, runID)
	if err != nil {
		return nil, err
	}
	requests := make([]requested, len(ids))
	for i, id := range ids {
		if err := bucket.ReadJSON(ctx, r.work, requestName(runID, id), &requests[i]); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

// requestIDs returns the ids of requests for selections that came after a run was planned.
func (r *Reader) requestIDs(ctx context.Context, runID string) ([]string, error) {
	var ids []string
	for attrs, err := range r.work.List(ctx, requestsPrefix(runID), "") {
		if err != nil {
			return nil, fmt.Errorf("listing the requested selections of run %s: %w", runID, err)
		}
		ids = append(ids, strings.TrimSuffix(path.Base(attrs.Name), ".json"))
	}
	return ids, nil
}
