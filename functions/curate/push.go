package curate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// newPush is the endpoint of the subscriptions to run.scored, to part tasks, and to dead letters.
func newPush(worker *run.Worker, subsets *subset.Selector, log *slog.Logger) http.Handler {
	return events.PushHandler(log, func(ctx context.Context, d events.Delivery) error {
		switch {
		case d.Attributes[events.AttrDeadCount] != "":
			return recordDeadLetter(ctx, worker, log, d)
		case d.Attributes[events.AttrType] == events.RunScored:
			return selectAutomatically(ctx, subsets, log, d)
		case d.Attributes[events.AttrTask] == events.TaskSelect:
			return selectRequested(ctx, subsets, log, d)
		case d.Attributes[events.AttrTask] == events.TaskPart:
			var task events.PartTask
			if err := d.Decode(&task); err != nil {
				return err
			}
			return subsets.WritePart(ctx, task)
		default:
			return events.DataError(fmt.Errorf(
				"message %s is neither a scored run, nor a select or part task, nor a dead letter", d.ID))
		}
	})
}

// selectAutomatically makes the selections that a scored run is to have.
func selectAutomatically(ctx context.Context, subsets *subset.Selector, log *slog.Logger, d events.Delivery) error {
	var scored events.RunScoredEvent
	if err := d.Decode(&scored); err != nil {
		return err
	}
	made, err := subsets.SelectAutomatically(ctx, scored.Run)
	for _, sel := range made {
		logSelection(ctx, log, sel)
	}
	return refusedIsFinal(err)
}

// selectRequested makes a selection that was requested after its run was planned.
func selectRequested(ctx context.Context, subsets *subset.Selector, log *slog.Logger, d events.Delivery) error {
	var task events.SelectTask
	if err := d.Decode(&task); err != nil {
		return err
	}
	sel, err := subsets.SelectRequested(ctx, task)
	if err == nil {
		logSelection(ctx, log, sel)
	}
	return refusedIsFinal(err)
}

// logSelection logs an automatic selection. One that chose nothing is an error of the data.
func logSelection(ctx context.Context, log *slog.Logger, sel *subset.Selection) {
	if sel.Selected == 0 {
		log.ErrorContext(ctx, "automatic selection failed", "run", sel.Run, "selection", sel.ID, "problem", sel.Problem)
		return
	}
	log.InfoContext(ctx, "automatic selection", "run", sel.Run, "selection", sel.ID, "selected", sel.Selected)
}

// refusedIsFinal makes a refused selection an error of the data: it would be refused again.
func refusedIsFinal(err error) error {
	if refused, ok := errors.AsType[*run.RefusedError](err); ok {
		return events.DataError(fmt.Errorf("automatic selection: %w", refused))
	}
	return err
}

// recordDeadLetter records a task that Pub/Sub gave up, so that its run shows as stalled.
func recordDeadLetter(ctx context.Context, worker *run.Worker, log *slog.Logger, d events.Delivery) error {
	attempts, _ := strconv.Atoi(d.Attributes[events.AttrDeadCount]) // 0 where the attribute is no number
	letter := run.DeadLetter{Attempts: attempts, Reason: "no attempt succeeded; the function's log has the errors"}
	var runID string
	switch task := d.Attributes[events.AttrTask]; task {
	case events.TaskShard:
		var t events.ShardTask
		if err := d.Decode(&t); err != nil {
			return err
		}
		runID, letter.Range, letter.Shard = t.Run, t.Range, t.Shard
	case events.TaskRange:
		var t events.RangeTask
		if err := d.Decode(&t); err != nil {
			return err
		}
		runID, letter.Range, letter.Shard = t.Run, t.Range, -1
	default:
		attributes, err := json.Marshal(d.Attributes)
		if err != nil {
			return err
		}
		return events.DataError(fmt.Errorf("message %s was given up, and no run waits for it: %s", d.ID, attributes))
	}
	log.ErrorContext(ctx, "task given up",
		"run", runID, "range", letter.Range, "shard", letter.Shard, "attempts", attempts)
	return worker.RecordDeadLetter(ctx, runID, letter)
}
