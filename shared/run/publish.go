package run

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// Kinds of chains, for begunName.
const (
	rangeChain = "range"
	shardChain = "shard"
)

// publishAfter publishes the next task in the chain of a settled task, once. A later delivery of the settled task finds
// the record, and publishes nothing.
func (w *Worker) publishAfter(ctx context.Context, plan *Plan, wave *Wave, t task) error {
	sent := sentName(plan.Run, wave.Number, t)
	if there, err := bucket.Exists(ctx, w.work, sent); there || err != nil {
		return err
	}
	next, follows, err := w.after(ctx, plan, wave, t)
	if err != nil || !follows {
		return err
	}
	return w.publishOnce(ctx, plan, wave, next, sent)
}

// after returns the next task in a task's chain. It returns false at the end of the chain, and while the next range is
// not cut: then the delivery that cuts the range publishes the next task.
func (w *Worker) after(ctx context.Context, plan *Plan, wave *Wave, t task) (task, bool, error) {
	if t.shard < 0 {
		next := rangeTask(t.r + wave.Width)
		return next, next.r < len(plan.Ranges), nil
	}
	next, found, err := w.runs.chains(ctx, plan, wave).after(t)
	return next, found == linkShard, err
}

// publishOnce publishes a task, and then creates the object that records this.
func (w *Worker) publishOnce(ctx context.Context, plan *Plan, wave *Wave, t task, name string) error {
	if err := w.tasks.Publish(ctx, t.message(plan, wave)); err != nil {
		return err
	}
	return w.again.Sent(ctx, name, t.path())
}

// sentBy returns the name of the object that records that a task was published. If the task is a shard, all ranges
// before its range must be cut.
func (w *Worker) sentBy(ctx context.Context, plan *Plan, wave *Wave, t task) (string, error) {
	if t.shard < 0 {
		if t.r < wave.Width {
			return begunName(plan.Run, wave.Number, rangeChain, t.r), nil
		}
		return sentName(plan.Run, wave.Number, rangeTask(t.r-wave.Width)), nil
	}
	if t.shard >= wave.Width {
		return sentName(plan.Run, wave.Number, task{t.r, t.shard - wave.Width}), nil
	}
	c := w.runs.chains(ctx, plan, wave)
	chain := c.of(t)
	previous, found, err := c.before(chain, t.r)
	if found == linkShard {
		return sentName(plan.Run, wave.Number, previous), err
	}
	return begunName(plan.Run, wave.Number, shardChain, chain), err
}

// continueChains continues the chains of shards that paused at a range, after the range was cut.
func (w *Worker) continueChains(ctx context.Context, plan *Plan, wave *Wave, r int) error {
	c := w.runs.chains(ctx, plan, wave)
	for chain := range wave.Width {
		next, found, err := c.from(chain, r)
		if err != nil {
			return err
		} else if found != linkShard {
			continue
		}
		previous, before, err := c.before(chain, r)
		if err != nil {
			return err
		} else if before == linkPaused {
			continue // an earlier range is not cut; the delivery that cuts it continues the chain
		}
		name := begunName(plan.Run, wave.Number, shardChain, chain)
		if before == linkShard {
			if settled, err := w.runs.settled(ctx, plan.Run, wave, previous); err != nil {
				return err
			} else if !settled {
				continue // the delivery of this shard continues the chain
			}
			name = sentName(plan.Run, wave.Number, previous)
		}
		if there, err := bucket.Exists(ctx, w.work, name); err != nil {
			return err
		} else if there {
			continue
		}
		if err := w.publishOnce(ctx, plan, wave, next, name); err != nil {
			return err
		}
	}
	return nil
}

// continueWave continues a run whose messages may be lost: it publishes the first open task of each chain. If no task
// is open, it does the work of the last delivery. It does not publish a task again if a delivery works on it, or if it
// was published recently by a process that may still live.
func (w *Worker) continueWave(ctx context.Context, plan *Plan, wave *Wave) error {
	if sent, err := bucket.Exists(ctx, w.work, ScoredSentName(plan.Run)); sent || err != nil {
		return err
	}
	cut, err := bucket.Numbers(ctx, w.work, rangesPrefix(plan.Run), ".json")
	if err != nil {
		return err
	}
	gathered, err := bucket.Numbers(ctx, w.work, scoresPrefix(plan.Run), ".parquet")
	if err != nil {
		return err
	}
	dead, err := w.runs.deadTasks(ctx, plan.Run, wave)
	if err != nil {
		return err
	}
	shards, rated, err := w.shardHeads(ctx, plan, wave, cut, gathered, dead)
	if err != nil {
		return err
	}
	for _, t := range append(rangeHeads(plan, wave, cut, dead), shards...) {
		name, err := w.sentBy(ctx, plan, wave, t)
		if err != nil {
			return err
		}
		if due, err := w.due(ctx, plan, wave, t, name); err != nil {
			return err
		} else if !due {
			continue
		}
		if err := w.publishOnce(ctx, plan, wave, t, name); err != nil {
			return err
		}
	}
	return w.advanceAll(ctx, plan, gathered, rated)
}

// rangeHeads returns the first unsettled task of each chain of ranges.
func rangeHeads(plan *Plan, wave *Wave, cut map[int]bool, dead map[task]bool) []task {
	var heads []task
	for chain := range min(wave.Width, len(plan.Ranges)) {
		for r := chain; r < len(plan.Ranges); r += wave.Width {
			if !cut[r] && !dead[rangeTask(r)] {
				heads = append(heads, rangeTask(r))
				break
			}
		}
	}
	return heads
}

// shardHeads returns the first unsettled task of each chain of shards. It reads the ranges without gathered scores in
// order, until it has a task of each chain, or until a range is not cut, where all chains pause. It also returns the
// read ranges whose shards are all rated.
func (w *Worker) shardHeads(
	ctx context.Context, plan *Plan, wave *Wave, cut, gathered map[int]bool, dead map[task]bool,
) (heads []task, rated []int, err error) {
	found := map[int]bool{}
	c := w.runs.chains(ctx, plan, wave)
	for r := 0; r < len(plan.Ranges) && cut[r] && len(found) < wave.Width; r++ {
		if gathered[r] {
			continue
		}
		count, err := c.count(r)
		if err != nil {
			return nil, nil, err
		}
		scored, err := w.runs.scoredShards(ctx, plan.Run, r)
		if err != nil {
			return nil, nil, err
		}
		if len(scored) == count {
			rated = append(rated, r)
		}
		for shard := range count {
			t := task{r, shard}
			chain := c.of(t)
			if found[chain] || scored[shard] || dead[t] {
				continue
			}
			found[chain] = true
			heads = append(heads, t)
		}
	}
	return heads, rated, nil
}

// due reports whether an unsettled task should be published now. first is the name of the object that records its first
// publication.
func (w *Worker) due(ctx context.Context, plan *Plan, wave *Wave, t task, first string) (bool, error) {
	if working, err := w.atWork(ctx, plan.Run, wave, t); working || err != nil {
		return false, err
	}
	grace := GraceTime
	if t.shard >= 0 {
		grace = shardGraceTime
	}
	return w.again.Due(ctx, first, againPrefix(plan.Run, wave.Number, t), grace)
}
