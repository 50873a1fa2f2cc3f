package runtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Start starts the run of a dataset, as ingest and the API do.
func (f *Fixture) Start(spec run.Spec) (*run.Plan, error) {
	return f.accept(f.Planner(), spec, run.Upload{})
}

// Retry starts the next attempt of a run, as the API does.
func (f *Fixture) Retry(id string) (*run.Plan, error) {
	return f.Subsets.StartAttempt(f.t.Context(), f.Planner(), f.Worker, id)
}

// Arrive handles the notification of an upload, and starts the run that the object starts.
func (f *Fixture) Arrive(object string) (*run.Plan, error) {
	ctx, planner := f.t.Context(), f.Planner()
	upload, spec, ok, err := planner.Uploaded(ctx, object)
	if err != nil || !ok {
		return nil, errors.Join(err, fmt.Errorf("%s starts a run: %v", object, ok))
	}
	plan, err := f.accept(planner, spec, upload)
	if err != nil {
		return nil, err
	}
	return plan, run.NewIndex(mortalBucket{f.Work, f}).NoteUpload(ctx, upload, plan.Run)
}

// accept accepts a run, and delivers the tasks of planning it if they are published. A refused plan is an error.
func (f *Fixture) accept(planner *run.Planner, spec run.Spec, upload run.Upload) (*run.Plan, error) {
	ctx := f.t.Context()
	id, err := f.Subsets.AcceptRun(ctx, planner, f.Worker, spec, upload)
	if err != nil {
		return nil, err
	}
	isPlan := func(d Delivery) bool { return d.Attributes[events.AttrTask] == events.TaskPlan }
	for i := slices.IndexFunc(f.Queue, isPlan); i >= 0; i = slices.IndexFunc(f.Queue, isPlan) {
		task := Decode[events.PlanTask](f.t, f.Queue[i].Message)
		if _, _, err := f.Subsets.PlanRun(ctx, planner, f.Worker, task, f.Queue[i].ID); err != nil {
			return nil, err
		}
		f.Take(i)
	}
	plan, err := f.Runs.Plan(ctx, id)
	if err == nil && plan.Problem != "" && plan.Layout == run.LayoutVersion {
		return nil, &run.RefusedError{Reason: plan.Problem}
	}
	return plan, err
}

// Begin is Arrive, but it fails the test if there is an error.
func (f *Fixture) Begin(object string) *run.Plan {
	f.t.Helper()
	plan, err := f.Arrive(object)
	f.must(err)
	return plan
}

// Reconcile continues accepted work, as a system does when it starts, and its schedule.
func (f *Fixture) Reconcile() {
	f.t.Helper()
	f.must(f.reconcile(events.ReconcileTask{}))
}

// reconcile does one step, and fails the test if an entry fails.
func (f *Fixture) reconcile(task events.ReconcileTask) error {
	var failed error
	err := f.Reconciler.Reconcile(f.t.Context(), task, func(_ context.Context, _ run.Entry, err error) {
		failed = errors.Join(failed, err)
	})
	return errors.Join(err, failed)
}

// Finish delivers all messages, and checks the accounting of the run.
func (f *Fixture) Finish(plan *run.Plan) events.Counts {
	f.t.Helper()
	f.must(f.Drain())
	return f.Account(plan)
}

// SelectionState returns the state of a selection.
func (f *Fixture) SelectionState(runID, id string) string {
	f.t.Helper()
	sel, err := f.Subsets.Selection(f.t.Context(), runID, id)
	f.must(err)
	state, err := f.Subsets.State(f.t.Context(), sel)
	f.must(err)
	return state
}

// Status returns the status of a run, and compares it with the list of runs.
func (f *Fixture) Status(id string) *subset.RunStatus {
	f.t.Helper()
	status, err := f.Subsets.RunStatus(f.t.Context(), id)
	f.must(err)
	outlines, err := f.Runs.Outlines(f.t.Context(), []string{id})
	f.must(err)
	if len(outlines) != 1 || outlines[0].State != status.State {
		f.t.Errorf("a list of runs has %+v of run %s, which is %s", outlines, id, status.State)
	}
	return status
}

// EventIDs returns the ids of all events of a type that were published.
func (f *Fixture) EventIDs(kind string) []string {
	var ids []string
	for _, m := range f.Published {
		if m.Attributes[events.AttrType] == kind {
			ids = append(ids, m.Attributes["ce-id"])
		}
	}
	return ids
}
