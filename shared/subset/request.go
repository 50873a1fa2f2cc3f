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

// A requested selection is what Request records.
type requested struct {
	selection.Request
	MaxFailed run.Allowance `json:"max_failed,omitzero"` // the plan's if it is not given
}

// AcceptRun accepts the run of a dataset for an upload or a call, and returns its id. A run that is planned already is
// continued; the selection that is requested of it is recorded, and a check of its images is accepted. For another one
// the task of planning it is published. Each step can be repeated: a caller that was killed in between, and neither
// answered nor acknowledged, does all again. A *run.RefusedError is a fault of the dataset or the spec, a
// scorer.ErrUnavailable says that the run's id cannot be known now.
func (s *Selector) AcceptRun(
	ctx context.Context, planner *run.Planner, worker *run.Worker, spec run.Spec, upload run.Upload,
) (string, error) {
	plan, planned, err := planner.Identify(ctx, spec)
	if err != nil {
		return "", err
	}
	if !planned {
		if err := worker.Accept(ctx, plan, spec); err != nil {
			return "", err
		}
		// It may have been planned meanwhile, by a delivery that did not see this request any more.
		known, err := s.runs.Plan(ctx, plan.Run)
		if errors.Is(err, run.ErrPlanning) {
			return plan.Run, nil
		} else if err != nil {
			return "", err
		}
		return plan.Run, s.Request(ctx, known, spec.Request, spec.MaxFailed)
	}
	if plan, err = worker.Start(ctx, plan); err != nil {
		return "", err
	}
	if err := s.Request(ctx, plan, spec.Request, spec.MaxFailed); err != nil || spec.NoImageCheck {
		return plan.Run, err
	}
	// It comes last: what is requested before it is copied to the attempt that it may start.
	return plan.Run, worker.AcceptImageCheck(ctx, plan, upload)
}

// PlanRun does a step of planning an accepted run. After the last one it starts the run, records the selections that
// are requested of it, and returns its plan; nil before. A plan with a Problem was refused.
func (s *Selector) PlanRun(
	ctx context.Context, planner *run.Planner, worker *run.Worker, task events.PlanTask, delivery string,
) (*run.Plan, error) {
	asked, err := s.runs.Asked(ctx, task.Run)
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return nil, events.DataError(fmt.Errorf("nobody asked for run %s", task.Run))
	}
	plan, err := worker.PlanAccepted(ctx, planner, task, asked[0], delivery)
	if err != nil || plan == nil || plan.Problem != "" {
		return plan, err
	}
	// Those that came while it was planned are among them: who asks later finds the plan.
	if asked, err = s.runs.Asked(ctx, task.Run); err != nil {
		return nil, err
	}
	var refused []error
	for _, spec := range asked {
		err := s.Request(ctx, plan, spec.Request, spec.MaxFailed)
		if _, final := errors.AsType[*run.RefusedError](err); final {
			refused = append(refused, err)
		} else if err != nil {
			return nil, err
		}
	}
	return plan, events.DataError(errors.Join(refused...))
}

// Request records the automatic selection that a dataset asks for when its run was planned with another or with none,
// as when dataset.yaml is uploaded with another budget. For a run that is scored already its task is published. It is
// called after the run was started, and can be repeated. A request without a budget asks for nothing, and
// nothing is selected of a run that was refused; a *run.RefusedError is a fault of the request.
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

// request is Request, and returns the request's id: empty for the automatic selection of the plan.
func (s *Selector) request(
	ctx context.Context, plan *run.Plan, request selection.Request, allowed run.Allowance,
) (string, error) {
	request, err := s.pin(ctx, plan, request)
	if err != nil {
		return "", err
	}
	planned, err := s.pin(ctx, plan, plan.Selection)
	if _, refused := errors.AsType[*run.RefusedError](err); err != nil && !refused { // it is another request
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
	// The record comes first: what marks the run as scored after this look leads to a listing that finds it.
	if scored, err := s.runs.Scored(ctx, plan.Run); !scored || err != nil {
		return id, err
	}
	_, err = s.continueRequest(ctx, plan.Run, id)
	return id, err
}

// requestAgain is the id of a request, or, where what it asked for was refused or chose nothing, one under which it is
// asked for once more: its cause may be gone.
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

// continueRequest publishes the task of what was requested of a scored run, a selection or its near duplicates, unless
// it is made, and reports whether it is.
func (s *Selector) continueRequest(ctx context.Context, runID, id string) (bool, error) {
	result := requestMadeName(runID, id)
	if id == clustersRequest {
		result = leadersName(runID)
	}
	if made, err := bucket.Exists(ctx, s.work, result); made || err != nil {
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

// StartAttempt starts the next attempt of a scored run, with all selections that were requested of it. Each step can be
// repeated. A *run.RefusedError is a fault of the run or of its manifests.
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

// CheckImages does a step of a check of a run's images, and starts the run's next attempt if one has changed. It
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
		// A manifest was replaced since: the new one is a run of its own.
		return nil, worker.EndImageCheck(ctx, task, run.CheckResult{Problem: refused.Reason})
	} else if err != nil {
		return nil, worker.FailImageCheck(ctx, task, err)
	}
	return next, worker.EndImageCheck(ctx, task, run.CheckResult{Attempt: next.Run})
}

// copyRequests requests of a run what was requested of an earlier attempt. It can be repeated.
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

// requests are the selections that were requested after a run was planned.
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

// requestIDs are the ids of the selections that were requested after a run was planned.
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
