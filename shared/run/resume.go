package run

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// Resume continues a run in a new wave, in which dead letters are tried again. With giveUp, the samples of shards with
// a dead letter are recorded as failed instead.
func (w *Worker) Resume(ctx context.Context, run string, giveUp bool) error {
	plan, err := w.openPlan(ctx, run)
	if errors.Is(err, ErrPlanning) {
		return w.ContinuePlanning(ctx, run)
	} else if err != nil {
		return err
	}
	wave, err := w.runs.wave(ctx, run)
	if err != nil {
		return err
	}
	if wave == nil {
		return w.begin(ctx, plan)
	}
	letters, err := w.runs.deadLetters(ctx, run, wave, math.MaxInt)
	if err != nil {
		return err
	}
	if giveUp {
		if err := w.giveUpAll(ctx, plan, letters); err != nil {
			return err
		}
	}
	if scored, err := w.runs.Scored(ctx, run); err != nil {
		return err
	} else if !scored {
		if err := w.beginWave(ctx, plan, wave.Number+1, len(letters)); err != nil {
			return err
		}
	}
	return w.begin(ctx, plan)
}

// giveUpAll gives up every shard with a dead letter. It returns an error if a range has one, because the samples of
// that range are not known.
func (w *Worker) giveUpAll(ctx context.Context, plan *Plan, letters []DeadLetter) error {
	var unread error
	for _, l := range letters {
		if l.Shard < 0 {
			unread = &RefusedError{Reason: fmt.Sprintf("range %d of run %s cannot be given up: its manifest could not "+
				"be read; make it readable and resume without giving up", l.Range, plan.Run)}
		} else if err := w.giveUp(ctx, plan, l); err != nil {
			return err
		}
	}
	return unread
}

// GivenUp is the code of samples that were given up with their shard.
const GivenUp reason.Code = "given_up"

// giveUp writes the scores of a shard in which all samples failed.
func (w *Worker) giveUp(ctx context.Context, plan *Plan, l DeadLetter) error {
	t := task{l.Range, l.Shard}
	_, records, err := w.runs.shardRecords(ctx, plan, t)
	if err != nil {
		return err
	}
	for i := range records {
		if records[i].Status == scores.OK {
			fail(&records[i], &dataset.Fault{
				Code: GivenUp, Detail: fmt.Sprintf("after %d attempts: %s", l.Attempts, l.Reason),
			})
		}
	}
	_, err = w.writeScores(ctx, plan, t, records)
	return err
}
