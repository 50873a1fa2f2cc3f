package run

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"golang.org/x/sync/errgroup"
)

// scoreBatch is the number of samples that are rated together. While a batch is rated, the next batch is loaded.
const scoreBatch = 50

// NoKnownStyle is the code of a scored sample that cannot be selected, because its styler named no style of the rubric.
const NoKnownStyle reason.Code = "no_known_style"

// A Shard is the result of one delivery of a shard. It is zero if the shard was already scored, or if another delivery
// is scoring it.
type Shard struct {
	Scorer  string // kind of scorer
	Samples events.Counts
	// GivenUp is the reason why the shard became a dead letter, or why the whole wave was stopped.
	GivenUp string
}

// ScoreShard rates one shard and writes its scores, unless the scores exist or another delivery is scoring the shard.
// Then it publishes the next shard of the chain, and advances the run. delivery is the message's id. A shard becomes a
// dead letter after too many failed attempts. A *scorer.StopError stops the wave.
func (w *Worker) ScoreShard(ctx context.Context, message events.ShardTask, delivery string) (Shard, error) {
	plan, wave, err := w.workable(ctx, message.Run, message.Wave)
	if plan == nil || err != nil {
		return Shard{}, err
	}
	t := task{message.Range, message.Shard}
	if err := w.checkShard(ctx, plan, t); err != nil {
		return Shard{}, err
	}
	shard := Shard{Scorer: plan.Scorer}
	settled, err := w.runs.settled(ctx, plan.Run, wave, t)
	if err != nil {
		return shard, err
	}
	if !settled {
		if settled, err = w.tryShard(ctx, plan, wave, t, delivery, &shard); err != nil || !settled {
			return shard, err
		}
		// Another wave may have begun in the meantime. The next steps belong to it.
		if wave, err = w.laterWave(ctx, plan.Run); err != nil {
			return shard, err
		}
	}
	if err := w.publishAfter(ctx, plan, wave, t); err != nil {
		return shard, err
	}
	return shard, w.advance(ctx, plan, t.r, delivery)
}

// tryShard makes an attempt at a shard, and reports whether the shard is settled: scored, or a dead letter.
func (w *Worker) tryShard(
	ctx context.Context, plan *Plan, wave *Wave, t task, delivery string, shard *Shard,
) (bool, error) {
	ctx = w.watched(ctx, plan.Run)
	rater, unusable := w.rater(ctx, plan)
	if errors.Is(unusable, scorer.ErrUnavailable) {
		scorer.ReportWait(ctx, scorer.Wait{Why: unusable})
	}
	_, stop := errors.AsType[*scorer.StopError](unusable)
	if stop || errors.Is(unusable, scorer.ErrUnavailable) || unusable != nil && ctx.Err() != nil {
		return w.stopOn(ctx, plan, wave, unusable, shard)
	}
	settled, why, err := w.try(ctx, plan, wave, t, delivery, func(a *attempt) (err error) {
		if unusable != nil {
			return unusable // for example, the scorer is not the planned one; after maxAttempts the shard is a dead letter
		}
		shard.Samples, err = w.scoreShard(ctx, plan, t, rater, a.died >= aloneFrom)
		return stopTooLarge(plan, err)
	})
	if why != "" {
		shard.GivenUp = why
	}
	if err != nil {
		err = fmt.Errorf("scoring %s of run %s: %w", t, plan.Run, err)
		return w.stopOn(ctx, plan, wave, err, shard)
	}
	return settled, nil
}

// stopTooLarge returns a *scorer.StopError instead of err, an error of scoring, if the run's limits of images exceed
// the limits of this process, because then a retry does not help. Otherwise it returns err unchanged.
func stopTooLarge(plan *Plan, err error) error {
	large, ok := errors.AsType[*memory.TooLargeError](err)
	if !ok {
		return err
	}
	limits := plan.Options.Images
	return &scorer.StopError{Reason: fmt.Sprintf("images of the run need %d bytes of memory, but this process allows %d; "+
		"start the process with the run's limits (MAX_SAMPLE_IMAGE_BYTES=%d, MAX_DECODED_BYTES=%d), and then resume the run",
		large.Bytes, large.Most, limits.MaxSampleBytes, limits.MaxDecodedBytes)}
}

// stopOn stops the wave if err is a *scorer.StopError; else it returns err.
func (w *Worker) stopOn(ctx context.Context, plan *Plan, wave *Wave, err error, shard *Shard) (bool, error) {
	stop, ok := errors.AsType[*scorer.StopError](err)
	if !ok {
		return false, err
	}
	shard.GivenUp = stop.Reason
	if err := w.stop(ctx, plan.Run, wave, stop.Reason); err != nil {
		return false, err
	}
	return false, w.announceStalled(ctx, plan, wave, stop.Reason)
}

// rater opens the scorer that the run was planned for.
func (w *Worker) rater(ctx context.Context, plan *Plan) (scorer.Scorer, error) {
	rater, err := w.open(ctx, plan.ScorerKind(), plan.Rubric)
	if err != nil {
		return nil, err
	}
	if rater.ID() != plan.ScorerID {
		return nil, fmt.Errorf("the run was planned for scorer %s, but this service has scorer %s: "+
			"deploy the planned scorer, or start the dataset again for a run with the new scorer", plan.ScorerID, rater.ID())
	}
	if paid, ok := rater.(scorer.Paid); ok {
		return paid.ForRun(ctx, plan.Run)
	}
	return rater, nil
}

// scoreShard rates a shard, writes its scores, and counts its samples. The counts are zero if another delivery wrote
// the scores first. With alone, each sample is rated while this process rates no other sample.
func (w *Worker) scoreShard(
	ctx context.Context, plan *Plan, t task, rater scorer.Scorer, alone bool,
) (events.Counts, error) {
	samples, records, err := w.runs.shardRecords(ctx, plan, t)
	if err != nil {
		return events.Counts{}, err
	}
	rate := w.rateBatches
	if alone {
		rate = w.rateAlone
	}
	if err := rate(ctx, plan, t, rater, samples, records); err != nil {
		return events.Counts{}, err
	}
	w.endWait(ctx, plan.Run)
	written, err := w.writeScores(ctx, plan, t, records)
	if err != nil || !written {
		return events.Counts{}, err
	}
	var counts events.Counts
	for i := range records {
		account(&counts, records[i].Status)
	}
	return counts, nil
}

// writeScores writes the scores of a shard unless they exist, and reports whether it did.
func (w *Worker) writeScores(
	ctx context.Context, plan *Plan, t task, records []scores.Record,
) (bool, error) {
	name := shardScoresName(plan.Run, t.r, t.shard)
	return bucket.CreateOnce(ctx, w.work, name, func(file io.Writer) error {
		return scores.Write(file, plan.Rubric.Capabilities, records)
	})
}

// rateBatches rates a shard in batches. While a batch is rated, it reads the images of the next batch.
func (w *Worker) rateBatches(
	ctx context.Context, plan *Plan, _ task,
	rater scorer.Scorer, samples []dataset.Sample, records []scores.Record,
) error {
	w.alone.RLock()
	defer w.alone.RUnlock()
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch)
	group.Go(func() error {
		defer close(batches)
		return w.loader.each(ctx, plan, rater, samples, records, func(b batch) error {
			select {
			case batches <- b:
				return nil
			case <-ctx.Done():
				b.hold.Release()
				return ctx.Err()
			}
		})
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
