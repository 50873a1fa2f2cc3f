// Package score is the function that rates shards.
package score

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

// New returns the push endpoint of the subscription to shard tasks.
func New(worker *run.Worker, log *slog.Logger) (http.Handler, error) {
	if worker == nil || log == nil {
		return nil, errors.New("making score: its worker or its log is missing")
	}
	return events.PushHandler(log, func(ctx context.Context, d events.Delivery) error {
		if d.Attributes[events.AttrTask] != events.TaskShard {
			return events.DataError(fmt.Errorf("message %s is not a shard task", d.ID))
		}
		var task events.ShardTask
		if err := d.Decode(&task); err != nil {
			return err
		}
		start := time.Now()
		shard, err := worker.ScoreShard(ctx, task, d.ID)
		if n := shard.Samples; n.In > 0 {
			telemetry.Scored(ctx, shard.Scorer,
				map[string]int64{"ok": n.Scored, "failed": n.Failed, "skipped": n.Skipped})
			log.InfoContext(ctx, "shard done",
				"run", task.Run, "range", task.Range, "shard", task.Shard, "scorer", shard.Scorer,
				"samples", n.In, "failed", n.Failed, "skipped", n.Skipped, "seconds", time.Since(start).Seconds())
		}
		if shard.GivenUp != "" && err == nil {
			log.ErrorContext(ctx, "task given up",
				"run", task.Run, "range", task.Range, "shard", task.Shard, "reason", shard.GivenUp)
		}
		return err
	}), nil
}
