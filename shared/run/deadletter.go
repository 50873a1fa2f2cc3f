package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A DeadLetter records a range or shard that was given up after all attempts, and why.
type DeadLetter struct {
	Range int `json:"range"`
	// Shard is -1 where the range itself could not be cut.
	Shard    int    `json:"shard"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"`
}

// RecordDeadLetter records a message that was given up after all its attempts. The run shows as stalled until it is
// resumed.
func (w *Worker) RecordDeadLetter(ctx context.Context, run string, l DeadLetter) error {
	plan, err := w.workable(ctx, run)
	if plan == nil || err != nil {
		return err
	}
	if err := w.checkDeadLetter(ctx, plan, l); err != nil {
		return err
	}
	wave, err := w.runs.wave(ctx, run)
	if err != nil {
		return err
	}
	name := deadShardName(run, l.Range, l.Shard, wave)
	if l.Shard < 0 {
		name = deadRangeName(run, l.Range, wave)
	}
	_, err = bucket.CreateJSON(ctx, w.work, name, l)
	return err
}

// checkDeadLetter refuses what is no part of the run: else the run would stay stalled for ever.
func (w *Worker) checkDeadLetter(ctx context.Context, plan *Plan, l DeadLetter) error {
	if err := plan.checkRange(l.Range); err != nil || l.Shard < 0 {
		return err
	}
	report, err := w.runs.RangeReport(ctx, plan.Run, l.Range)
	if errors.Is(err, bucket.ErrNotExist) || (err == nil && l.Shard >= len(report.Shards)) {
		return noShard(plan, l.Range, l.Shard)
	}
	return err
}

// noShard is the error of a task of a shard that a range does not have. It would fail again.
func noShard(plan *Plan, r, shard int) error {
	return events.DataError(fmt.Errorf("range %d of run %s has no shard %d", r, plan.Run, shard))
}

// wave is the number of the present wave of attempts: 0, and one more with each resume.
func (r *Reader) wave(ctx context.Context, run string) (int, error) {
	resumed, err := bucket.Numbers(ctx, r.work, resumesPrefix(run), "")
	return len(resumed), err
}

// deadLetters finds what was given up in the present wave of attempts and is still not done, and that wave's number.
func (r *Reader) deadLetters(ctx context.Context, run string) ([]DeadLetter, int, error) {
	wave, err := r.wave(ctx, run)
	if err != nil {
		return nil, 0, err
	}
	suffix := fmt.Sprintf(".%d.json", wave)
	var letters []DeadLetter
	for attrs, err := range r.work.List(ctx, deadPrefix(run), "") {
		if err != nil {
			return nil, 0, fmt.Errorf("listing dead letters of run %s: %w", run, err)
		}
		if !strings.HasSuffix(attrs.Name, suffix) {
			continue
		}
		var l DeadLetter
		if err := bucket.ReadJSON(ctx, r.work, attrs.Name, &l); err != nil {
			return nil, 0, err
		}
		marker := shardScoresName(run, l.Range, l.Shard)
		if l.Shard < 0 {
			marker = rangeName(run, l.Range)
		}
		if done, err := bucket.Exists(ctx, r.work, marker); err != nil {
			return nil, 0, err
		} else if !done {
			letters = append(letters, l)
		}
	}
	return letters, wave, nil
}
