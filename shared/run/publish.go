package run

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// publishMissing publishes a message for each range and shard of a run that is not done, and advances it where all is
// done.
func (w *Worker) publishMissing(ctx context.Context, plan *Plan) error {
	if workable, err := w.workable(ctx, plan.Run); workable == nil || err != nil {
		return err
	}
	done, err := bucket.Numbers(ctx, w.work, scoresPrefix(plan.Run), ".parquet")
	if err != nil {
		return err
	}
	cut, err := bucket.Numbers(ctx, w.work, rangesPrefix(plan.Run), ".json")
	if err != nil {
		return err
	}
	var missing []events.Message
	for r := range plan.Ranges {
		switch {
		case done[r]:
		case cut[r]:
			if err := w.publishUnscored(ctx, plan, r); err != nil {
				return err
			}
			if err := w.advance(ctx, plan, r, "resume"); err != nil {
				return err
			}
		default:
			missing = append(missing, events.RangeTask{Run: plan.Run, Range: r}.Message())
		}
	}
	if len(missing) > 0 {
		return w.tasks.Publish(ctx, missing...)
	}
	return w.advance(ctx, plan, len(plan.Ranges)-1, "resume")
}

// publishUnscored publishes a message for each shard of a range without scores.
func (w *Worker) publishUnscored(ctx context.Context, plan *Plan, r int) error {
	if done, err := bucket.Exists(ctx, w.work, rangeScoresName(plan.Run, r)); done || err != nil {
		return err
	}
	report, err := w.runs.RangeReport(ctx, plan.Run, r)
	if err != nil {
		return err
	}
	scored, err := w.runs.scoredShards(ctx, plan.Run, r)
	if err != nil {
		return err
	}
	var messages []events.Message
	for shard := range report.Shards {
		if !scored[shard] {
			messages = append(messages, events.ShardTask{Run: plan.Run, Range: r, Shard: shard}.Message(plan.Scorer))
		}
	}
	return w.tasks.Publish(ctx, messages...)
}
