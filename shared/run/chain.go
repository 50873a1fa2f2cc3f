package run

// The shard tasks of a run form chains, as many as its wave is wide. At any time at most one shard of each chain is
// published and not done, so that a queue never holds more of a run than it can deliver in time. Which chain a shard
// belongs to, and what follows it there, is a function of its number, the width, and how many shards the ranges have:
// no listing is needed, and a message that is delivered twice has the same successor.
//
// Shard s of range r belongs to chain (r + s) mod width. A chain takes the ranges in ascending order, and the shards of
// each in ascending order. It pauses at a range that is not cut yet, and the delivery that cuts the range continues it.

// shardCount says how many shards a range has, at least 1; 0 while it is not cut.
type shardCount func(r int) (int, error)

// A link says how a chain continues.
type link int

const (
	linkShard  link = iota // a shard
	linkPaused             // unknown: a range is not cut yet
	linkEnd                // nothing
)

// chains holds what determines a run's chains of shards: its number of ranges, its wave's width, and the shard counts
// of its ranges.
type chains struct {
	ranges, width int
	count         shardCount
}

// of is the chain of a shard.
func (c chains) of(t task) int { return (t.r + t.shard) % c.width }

// first is the least number that a shard of range r in a chain can have.
func (c chains) first(chain, r int) int { return ((chain-r)%c.width + c.width) % c.width }

// after is the next shard in a shard's chain.
func (c chains) after(t task) (task, link, error) {
	count, err := c.count(t.r)
	if err != nil {
		return task{}, linkEnd, err
	}
	if next := t.shard + c.width; next < count {
		return task{t.r, next}, linkShard, nil
	}
	return c.from(c.of(t), t.r+1)
}

// from is the first shard of a chain at or after range r. It reads at most as many ranges as the run has chains.
func (c chains) from(chain, r int) (task, link, error) {
	for ; r < c.ranges; r++ {
		count, err := c.count(r)
		if err != nil {
			return task{}, linkEnd, err
		}
		if count == 0 {
			return task{}, linkPaused, nil
		}
		if first := c.first(chain, r); first < count {
			return task{r, first}, linkShard, nil
		}
	}
	return task{}, linkEnd, nil
}

// before is the last shard of a chain in the ranges before r. linkEnd says that the chain begins later.
func (c chains) before(chain, r int) (task, link, error) {
	for r--; r >= 0; r-- {
		count, err := c.count(r)
		if err != nil {
			return task{}, linkEnd, err
		}
		if count == 0 {
			return task{}, linkPaused, nil
		}
		if first := c.first(chain, r); first < count {
			return task{r, first + (count-1-first)/c.width*c.width}, linkShard, nil
		}
	}
	return task{}, linkEnd, nil
}
