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

// newPush returns the endpoint for tasks that make selections, write their parts, check a run's images for changes, or
// continue unfinished work.
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

// logOpen logs an entry that reconcile has not completed. If continuing the entry failed, it logs the error. If the
// entry was accepted at least an hour ago, it logs the age. A metric finds the lines with the age by their message, so
// the message is the same for runs, selections, requests and checks.
func logOpen(ctx context.Context, log *slog.Logger, e run.Entry, err error) {
	log = log.With("run", e.Run, "selection", e.Selection, "request", e.Request, "check", e.Check)
	if err != nil {
		log.ErrorContext(ctx, "continuing an accepted request failed; the next reconcile will retry it", "error", err)
	}
	if hours := time.Since(e.Accepted).Hours(); hours >= 1 && !e.Accepted.IsZero() {
		log.InfoContext(ctx, "run is not finished", "hours", hours)
	}
}

// checkImages does one step of checking a run's images for changes.
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

// makeSelections makes the selection of a scored run that the task requests, or all automatic selections. A refused
// selection is an error of the data, because it would be refused again.
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

// logSelection logs an automatic selection. A selection without samples has failed.
func logSelection(ctx context.Context, log *slog.Logger, sel *subset.Selection) {
	if sel.Selected == 0 {
		log.ErrorContext(ctx, "automatic selection failed", "run", sel.Run, "selection", sel.ID, "problem", sel.Problem)
		return
	}
	log.InfoContext(ctx, "automatic selection", "run", sel.Run, "selection", sel.ID, "selected", sel.Selected)
}
