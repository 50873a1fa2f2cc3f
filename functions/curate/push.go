package curate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// newPush is the endpoint for tasks that make selections, write their parts, look for changed images, or continue
// unfinished work.
func newPush(c Config, reconciler *subset.Reconciler) http.Handler {
	subsets, log := c.Subsets, c.Log
	return events.PushHandler(log, func(ctx context.Context, d events.Delivery) error {
		switch d.Attributes[events.AttrTask] {
		case events.TaskSelect:
			return makeSelections(ctx, subsets, log, d)
		case events.TaskPart:
			var task events.PartTask
			if err := d.Decode(&task); err != nil {
				return err
			}
			return subsets.WritePart(ctx, task)
		case events.TaskImages:
			return checkImages(ctx, c, d)
		case events.TaskReconcile:
			var task events.ReconcileTask
			if err := d.Decode(&task); err != nil {
				return err
			}
			return reconciler.Reconcile(ctx, task, func(ctx context.Context, e run.Entry, err error) {
				logOpen(ctx, log, e, err)
			})
		default:
			return events.DataError(fmt.Errorf("message %s is not a task of curate", d.ID))
		}
	})
}

// logOpen logs the entries that reconcile leaves open, with their age and, if continuing failed, the error. The alert
// about runs that never end uses the age. Entries from the last hour are not logged.
func logOpen(ctx context.Context, log *slog.Logger, e run.Entry, err error) {
	log = log.With("run", e.Run, "selection", e.Selection, "request", e.Request, "check", e.Check)
	if err != nil {
		log.ErrorContext(ctx, "what was accepted was not continued, until the next time", "error", err)
	}
	if hours := time.Since(e.Accepted).Hours(); hours >= 1 && !e.Accepted.IsZero() {
		log.InfoContext(ctx, "run is not finished", "hours", hours)
	}
}

// checkImages does a step of a check of a run's images.
func checkImages(ctx context.Context, c Config, d events.Delivery) error {
	var task events.ImagesTask
	if err := d.Decode(&task); err != nil {
		return err
	}
	next, err := c.Subsets.CheckImages(ctx, c.Planner, c.Worker, task)
	if err == nil && next != nil {
		c.Log.InfoContext(ctx, "images have changed: next attempt started", "run", task.Run, "attempt", next.Run)
	}
	return err
}

// makeSelections makes the automatic selections of a scored run: one that was requested, or all. A refused selection is
// an error of the data, because it would be refused again.
func makeSelections(ctx context.Context, subsets *subset.Selector, log *slog.Logger, d events.Delivery) error {
	var task events.SelectTask
	if err := d.Decode(&task); err != nil {
		return err
	}
	made, err := subsets.MakeSelections(ctx, task)
	for _, sel := range made {
		logSelection(ctx, log, sel)
	}
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		return events.DataError(fmt.Errorf("automatic selection: %w", refused))
	}
	return err
}

// logSelection logs an automatic selection. An empty selection is an error of the data.
func logSelection(ctx context.Context, log *slog.Logger, sel *subset.Selection) {
	if sel.Selected == 0 {
		log.ErrorContext(ctx, "automatic selection failed", "run", sel.Run, "selection", sel.ID, "problem", sel.Problem)
		return
	}
	log.InfoContext(ctx, "automatic selection", "run", sel.Run, "selection", sel.ID, "selected", sel.Selected)
}
