// Package score is the function that rates shards.
package score

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// New is the push endpoint of the subscription to shard tasks.
func New(store *run.Store, log *slog.Logger) http.Handler {
	return events.PushHandler(log, func(ctx context.Context, d events.Delivery) error {
		if d.Attributes[events.AttrTask] != events.TaskShard {
			return events.DataError(fmt.Errorf("message %s is no shard task", d.ID))
		}
		var task events.ShardTask
		if err := d.Decode(&task); err != nil {
			return err
		}
		start := time.Now()
		if err := store.ScoreShard(ctx, task, d.Attempt, d.ID); err != nil {
			return err
		}
		log.Info("shard done", "run", task.Run, "range", task.Range, "shard", task.Shard, "seconds", time.Since(start).Seconds())
		return nil
	})
}
