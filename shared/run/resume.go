package run

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// Resume sets a run going again: it begins a new wave of attempts at its dead letters, publishes what is missing, and
// advances the run. With giveUp, shards that are dead letters have their samples recorded as failed instead.
func (w *Worker) Resume(ctx context.Context, run string, giveUp bool) error {
	plan, err := w.runs.Plan(ctx, run)
	if err != nil {
		return err
	}
	if err := w.checkOpen(ctx, plan); err != nil {
		return err
	}
	letters, wave, err := w.runs.deadLetters(ctx, run)
	if err != nil {
		return err
	}
	if giveUp {
		err = w.giveUpAll(ctx, plan, letters)
	} else if len(letters) > 0 {
		_, err = bucket.CreateJSON(ctx, w.work, resumeName(run, wave), map[string]int{"dead": len(letters)})
	}
	if err != nil {
		return err
	}
	return w.publishMissing(ctx, plan)
}

// giveUpAll gives up every shard among the dead letters. A range is an error: its samples are not known.
func (w *Worker) giveUpAll(ctx context.Context, plan *Plan, letters []DeadLetter) error {
	var unread error
	for _, l := range letters {
		if l.Shard < 0 {
			unread = fmt.Errorf("range %d of run %s cannot be given up: its manifest could not be read; "+
				"make it readable and resume without giving up", l.Range, plan.Run)
		} else if err := w.giveUp(ctx, plan, l); err != nil {
			return err
		}
	}
	return unread
}

// GivenUp is the code of samples that were given up with their shard.
const GivenUp reason.Code = "given_up"

// giveUp writes the scores of a shard with all its samples failed.
func (w *Worker) giveUp(ctx context.Context, plan *Plan, l DeadLetter) error {
	task := events.ShardTask{Run: plan.Run, Range: l.Range, Shard: l.Shard}
	_, records, err := w.runs.openShard(ctx, plan, task)
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
	_, err = w.writeScores(ctx, plan, task, records)
	return err
}
