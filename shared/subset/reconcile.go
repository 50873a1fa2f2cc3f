package subset

import (
	"context"
	"errors"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// reconcileLimit is the largest number of open entries of the index that one step handles.
const reconcileLimit = 100

// A Reconciler continues accepted, unfinished work. It needs only the objects in the buckets: even if all messages were
// lost, it publishes the next tasks.
type Reconciler struct {
	planner *run.Planner
	worker  *run.Worker
	subsets *Selector
}

// NewReconciler returns a Reconciler.
func NewReconciler(planner *run.Planner, worker *run.Worker, subsets *Selector) (*Reconciler, error) {
	if planner == nil || worker == nil || subsets == nil {
		return nil, errors.New("making a subset.Reconciler: its run.Planner, its run.Worker or its Selector is missing")
	}
	return &Reconciler{planner, worker, subsets}, nil
}

// Reconcile does one step, and publishes the task of the next step if there is more work. It handles first the entries
// of the index, and then the uploads of the input bucket. It reports each entry that stays open. If continuing the
// entry failed, the report has the error. Such an error does not stop the step: other entries are continued, and a
// later step tries again. Reconcile returns only errors of the whole step.
func (c *Reconciler) Reconcile(
	ctx context.Context, task events.ReconcileTask, report func(context.Context, run.Entry, error),
) error {
	if task.Run != "" {
		return c.continueRun(ctx, task.Run)
	}
	if task.Uploads {
		cursor, err := c.acceptUploads(ctx, task.Cursor, report)
		if err != nil || cursor == "" {
			return err
		}
		return c.subsets.tasks.Publish(ctx, events.ReconcileTask{Uploads: true, Cursor: cursor}.Message())
	}
	cursor, err := c.subsets.index.Open(ctx, task.Cursor, reconcileLimit,
		func(ctx context.Context, e run.Entry) (bool, error) {
			finished, err := c.entry(ctx, e)
			if _, machine := errors.AsType[*bucket.MachineError](err); machine || err != nil && ctx.Err() != nil {
				return false, err
			}
			if finished = finished && err == nil; !finished {
				report(ctx, e, err)
			}
			return finished, nil
		})
	switch {
	case err != nil:
		return err
	case cursor != "" && cursor != task.Cursor:
	case c.planner.ListsUploads():
		return c.subsets.tasks.Publish(ctx, events.ReconcileTask{Uploads: true}.Message())
	default:
		return nil
	}
	return c.subsets.tasks.Publish(ctx, events.ReconcileTask{Cursor: cursor}.Message())
}

// Resume resumes a run, and continues its selections if it is scored.
func (c *Reconciler) Resume(ctx context.Context, runID string, giveUp bool) error {
	if err := c.worker.Resume(ctx, runID, giveUp); err != nil {
		return err
	}
	if sent, err := bucket.Exists(ctx, c.subsets.work, run.ScoredSentName(runID)); !sent || err != nil {
		return err
	}
	return c.continueRun(ctx, runID)
}

// continueRun continues a run and its selections.
func (c *Reconciler) continueRun(ctx context.Context, runID string) error {
	s := c.subsets
	entries := []run.Entry{{Run: runID}}
	requested, err := s.requestIDs(ctx, runID)
	if err != nil {
		return err
	}
	for _, id := range requested {
		entries = append(entries, run.Entry{Run: runID, Request: id})
	}
	last, err := s.lastSearch(ctx, runID)
	if err != nil {
		return err
	}
	if last.n > 0 && !last.ended {
		entries = append(entries, run.Entry{Run: runID, Request: last.next()})
	}
	made, err := s.List(ctx, runID)
	if err != nil {
		return err
	}
	for _, id := range made {
		entries = append(entries, run.Entry{Run: runID, Selection: id})
	}
	for _, e := range entries {
		if _, err := c.entry(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// entry continues an accepted entry, and reports whether it is finished.
func (c *Reconciler) entry(ctx context.Context, e run.Entry) (bool, error) {
	s := c.subsets
	plan, err := s.runs.Plan(ctx, e.Run)
	switch {
	case errors.Is(err, run.ErrPlanning):
		return false, c.worker.ContinuePlanning(ctx, e.Run)
	case errors.Is(err, run.ErrNoRun):
		return true, nil
	case err != nil:
		return false, err
	case plan.IsNewer():
		return false, nil // a newer version of Harvest continues it
	case plan.Problem != "":
		return true, c.worker.AnnounceRefused(ctx, plan)
	}
	scored, final, err := c.worker.ContinueRun(ctx, plan)
	if err != nil || !scored {
		return final, err
	}
	return c.continueEntry(ctx, plan, e)
}

// continueEntry continues an accepted entry of a scored run, and reports whether it is finished.
func (c *Reconciler) continueEntry(ctx context.Context, plan *run.Plan, e run.Entry) (bool, error) {
	s := c.subsets
	switch {
	case e.Selection != "":
		sel, err := s.Selection(ctx, e.Run, e.Selection)
		if errors.Is(err, ErrNoSelection) {
			return true, nil
		} else if err != nil {
			return false, err
		}
		return s.continueSelection(ctx, plan, sel)
	case e.Check != "":
		return c.worker.ContinueImageCheck(ctx, e.Run, e.Check)
	case e.Request != "":
		return s.continueRequest(ctx, e.Run, e.Request)
	default:
		return s.continueAutomatic(ctx, plan)
	}
}

// continueAutomatic publishes the task of a scored run's automatic selections again, unless they are made. It reports
// whether they are made.
func (s *Selector) continueAutomatic(ctx context.Context, plan *run.Plan) (bool, error) {
	if made, err := bucket.Exists(ctx, s.work, madeName(plan.Run)); made || err != nil {
		return made, err
	}
	due, err := s.again.Due(ctx, run.ScoredSentName(plan.Run), againName(plan.Run, "select"), run.GraceTime)
	if !due || err != nil {
		return false, err
	}
	return false, s.tasks.Publish(ctx, events.SelectTask{Run: plan.Run}.Message())
}
