package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A DeadLetter records a range or a shard that was given up in a wave after too many failed attempts.
type DeadLetter struct {
	Range int `json:"range"`
	// Shard is -1 if the range itself could not be cut.
	Shard    int    `json:"shard"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"` // the error of the last attempt
}

// Task names the range or the shard, such as "shard 2 of range 0".
func (d DeadLetter) Task() string { return task{d.Range, d.Shard}.String() }

// problem returns the dead letter in one sentence.
func (d DeadLetter) problem() string { return d.Task() + " was given up: " + d.Reason }

// giveUpTask records a dead letter. The state of the run is stalled until it is resumed.
func (w *Worker) giveUpTask(ctx context.Context, plan *Plan, wave *Wave, t task, attempts int, reason string) error {
	letter := DeadLetter{Range: t.r, Shard: t.shard, Attempts: attempts, Reason: reason}
	if _, err := bucket.CreateJSON(ctx, w.work, deadName(plan.Run, wave.Number, t), letter); err != nil {
		return err
	}
	return w.announceStalled(ctx, plan, wave, letter.problem())
}

// deadTasks returns the tasks with a dead letter in a wave.
func (r *Reader) deadTasks(ctx context.Context, run string, wave *Wave) (map[task]bool, error) {
	dead := map[task]bool{}
	prefix := deadPrefix(run, wave.Number)
	for attrs, err := range r.work.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing dead letters of run %s: %w", run, err)
		}
		t := rangeTask(0)
		name := strings.TrimSuffix(attrs.Name[len(prefix):], ".json")
		if _, err := fmt.Sscanf(name, "ranges/%d", &t.r); err == nil {
			dead[t] = true
		} else if _, err := fmt.Sscanf(name, "shards/%d/%d", &t.r, &t.shard); err == nil {
			dead[t] = true
		}
	}
	return dead, nil
}

// deadLetters returns the first dead letters of a wave whose tasks are not done, ranges before shards, both in
// ascending order.
func (r *Reader) deadLetters(ctx context.Context, run string, wave *Wave, most int) ([]DeadLetter, error) {
	if wave == nil {
		return nil, nil
	}
	dead, err := r.deadTasks(ctx, run, wave)
	if err != nil {
		return nil, err
	}
	var letters []DeadLetter
	for _, t := range slices.SortedFunc(maps.Keys(dead), task.compare) {
		if done, err := r.done(ctx, run, t); err != nil {
			return nil, err
		} else if done {
			continue
		}
		var l DeadLetter
		if err := bucket.ReadJSON(ctx, r.work, deadName(run, wave.Number, t), &l); err != nil {
			return nil, err
		}
		if letters = append(letters, l); len(letters) == most {
			break
		}
	}
	return letters, nil
}
