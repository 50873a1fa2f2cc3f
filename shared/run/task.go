package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A task is a range to cut or, if shard is not negative, a shard to rate.
type task struct{ r, shard int }

// rangeTask returns the task of cutting a range.
func rangeTask(r int) task { return task{r, -1} }

// path returns the part of an object's name that names the task.
func (t task) path() string {
	if t.shard < 0 {
		return fmt.Sprintf("ranges/%04d", t.r)
	}
	return fmt.Sprintf("shards/%04d/%07d", t.r, t.shard)
}

func (t task) String() string {
	if t.shard < 0 {
		return fmt.Sprintf("range %d", t.r)
	}
	return fmt.Sprintf("shard %d of range %d", t.shard, t.r)
}

// compare sorts tasks of ranges before tasks of shards, and both by number.
func (t task) compare(other task) int {
	return cmp.Or(
		cmp.Compare(min(t.shard, 0), min(other.shard, 0)), cmp.Compare(t.r, other.r), cmp.Compare(t.shard, other.shard),
	)
}

// smallRun is the largest number of samples of a run whose shards have separate slots.
const smallRun = 2000

// message returns the message of a task for the topic of tasks.
func (t task) message(plan *Plan, wave *Wave) events.Message {
	if t.shard < 0 {
		return events.RangeTask{Run: plan.Run, Wave: wave.Number, Range: t.r}.Message()
	}
	return events.ShardTask{Run: plan.Run, Wave: wave.Number, Range: t.r, Shard: t.shard}.Message(
		plan.Scorer, plan.Samples <= smallRun)
}

// done reports whether a task's result exists.
func (r *Reader) done(ctx context.Context, run string, t task) (bool, error) {
	if t.shard < 0 {
		return bucket.Exists(ctx, r.work, rangeName(run, t.r))
	}
	if rated, err := bucket.Exists(ctx, r.work, shardScoresName(run, t.r, t.shard)); rated || err != nil {
		return rated, err
	}
	return bucket.Exists(ctx, r.work, RangeScoresName(run, t.r))
}

// settled reports whether a task in a wave needs no more work: its result exists, or it is a dead letter.
func (r *Reader) settled(ctx context.Context, run string, wave *Wave, t task) (bool, error) {
	if done, err := r.done(ctx, run, t); done || err != nil {
		return done, err
	}
	return bucket.Exists(ctx, r.work, deadName(run, wave.Number, t))
}

// shards returns the number of shards of a range; 0 before the range is cut.
func (r *Reader) shards(ctx context.Context, run string, number int) (int, error) {
	report, err := r.RangeReport(ctx, run, number)
	if errors.Is(err, bucket.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return len(report.Shards), nil
}

// chains returns the chains of a run's shards in a wave.
func (r *Reader) chains(ctx context.Context, plan *Plan, wave *Wave) chains {
	return chains{len(plan.Ranges), wave.Width, func(number int) (int, error) { return r.shards(ctx, plan.Run, number) }}
}

// checkRange returns a permanent error if the plan does not have a range.
func (p *Plan) checkRange(r int) error {
	if r < 0 || r >= len(p.Ranges) {
		return events.DataError(fmt.Errorf("run %s has no range %d", p.Run, r))
	}
	return nil
}

// checkShard returns a permanent error if the run does not have the shard of a task.
func (w *Worker) checkShard(ctx context.Context, plan *Plan, t task) error {
	if err := plan.checkRange(t.r); err != nil {
		return err
	}
	report, err := w.runs.RangeReport(ctx, plan.Run, t.r)
	if errors.Is(err, bucket.ErrNotExist) || (err == nil && (t.shard < 0 || t.shard >= len(report.Shards))) {
		return events.DataError(fmt.Errorf("range %d of run %s has no shard %d", t.r, plan.Run, t.shard))
	}
	return err
}
