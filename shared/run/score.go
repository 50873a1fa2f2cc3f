package run

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"golang.org/x/sync/errgroup"
)

const (
	// scoreBatch is how many samples are rated, and how many more are loaded meanwhile.
	scoreBatch = 50
	// itemByItemFrom is the attempt from which a shard is scored one sample at a time.
	itemByItemFrom = 5
)

// NoKnownStyle is the code of a scored sample that cannot be selected: its styler named no style of the rubric.
const NoKnownStyle reason.Code = "no_known_style"

// A Shard is what one delivery scored: of a shard whose scores were there already, nothing.
type Shard struct {
	Scorer  string // kind of scorer
	Samples events.Counts
	// GivenUp is why the shard became a dead letter without further attempts: the scorer must stop until a person has
	// fixed the cause.
	GivenUp string
}

// ScoreShard rates one shard and writes its scores, unless they are there already. attempt counts
// the deliveries of the shard's message.
func (w *Worker) ScoreShard(ctx context.Context, task events.ShardTask, attempt int, delivery string) (Shard, error) {
	plan, err := w.workable(ctx, task.Run)
	if plan == nil || err != nil {
		return Shard{}, err
	}
	if err := plan.checkRange(task.Range); err != nil {
		return Shard{}, err
	}
	shard := Shard{Scorer: plan.Scorer}
	name := shardScoresName(plan.Run, task.Range, task.Shard)
	if scored, err := bucket.Exists(ctx, w.work, name); err != nil {
		return shard, err
	} else if !scored {
		shard.Samples, err = w.scoreShard(ctx, plan, task, attempt)
		if stop, ok := errors.AsType[*scorer.StopError](err); ok {
			// More attempts would fail: the run shows as stalled until a person has fixed the cause and resumes it.
			shard.GivenUp = stop.Reason
			return shard, w.RecordDeadLetter(ctx, plan.Run, DeadLetter{
				Range: task.Range, Shard: task.Shard, Attempts: attempt, Reason: stop.Reason,
			})
		} else if err != nil {
			return shard, fmt.Errorf("scoring shard %d of range %d of run %s: %w",
				task.Shard, task.Range, plan.Run, err)
		}
	}
	return shard, w.advance(ctx, plan, task.Range, delivery)
}

// scoreShard counts the samples whose scores it wrote: none, if another delivery was first.
func (w *Worker) scoreShard(
	ctx context.Context, plan *Plan, task events.ShardTask, attempt int,
) (events.Counts, error) {
	rater, err := w.open(ctx, plan.Scorer, plan.Rubric)
	if err != nil {
		return events.Counts{}, err
	}
	if rater.ID() != plan.ScorerID {
		return events.Counts{}, fmt.Errorf("the run was planned for scorer %s, and this service has %s: "+
			"deploy the planned one, or start the dataset again for a run under the new one", plan.ScorerID, rater.ID())
	}
	if paid, ok := rater.(scorer.Paid); ok {
		if rater, err = paid.ForRun(ctx, plan.Run); err != nil {
			return events.Counts{}, err
		}
	}
	samples, records, err := w.runs.openShard(ctx, plan, task)
	if err != nil {
		return events.Counts{}, err
	}
	rate := w.rateBatches
	if attempt >= itemByItemFrom {
		rate = w.rateItemByItem
	}
	if err := rate(ctx, plan, task, rater, samples, records); err != nil {
		return events.Counts{}, err
	}
	written, err := w.writeScores(ctx, plan, task, records)
	if err != nil || !written {
		return events.Counts{}, err
	}
	var counts events.Counts
	for i := range records {
		account(&counts, records[i].Status)
	}
	return counts, nil
}

// writeScores writes the scores of a shard unless they are there already, and reports whether it wrote them.
func (w *Worker) writeScores(
	ctx context.Context, plan *Plan, task events.ShardTask, records []scores.Record,
) (bool, error) {
	name := shardScoresName(plan.Run, task.Range, task.Shard)
	return bucket.CreateOnce(ctx, w.work, name, func(file io.Writer) error {
		return scores.Write(file, plan.Rubric.Capabilities, records)
	})
}

// rateBatches rates a shard batch by batch, and reads the next batch's images meanwhile.
func (w *Worker) rateBatches(
	ctx context.Context, plan *Plan, _ events.ShardTask,
	rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch)
	group.Go(func() error {
		defer close(batches)
		for from := 0; from < len(samples); from += scoreBatch {
			b, err := w.loader.load(ctx, plan, samples, records, from, min(from+scoreBatch, len(samples)))
			if err != nil {
				return err
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for b := range batches {
			if err := b.rate(ctx, rater, records); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}
