package run

// The shard tasks of a run form chains. The number of chains is the width of the wave. At any time, at most one shard
// of each chain is published and not done. So a queue never has more tasks of a run than it can deliver in time. The
// chain of a shard, and the next shard of that chain, depend only on three things: the shard's range and number, the
// width, and how many shards each range has. So no listing is needed, and a message that is delivered twice has the
// same successor.
//
// Shard s of range r belongs to chain (r + s) mod width. A chain has the shards of the ranges in ascending order. It
// pauses at a range that is not cut yet, and the delivery that cuts the range continues the chain.

// A shardCount returns the number of shards of a range, at least 1; 0 while the range is not cut.
type shardCount func(r int) (int, error)

// A link is the way in which a chain continues.
type link int

const (
	linkShard  link = iota // the chain continues with a shard
	linkPaused             // not known, because a range is not cut yet
	linkEnd                // the chain has no further shard
)

// A chains has the data that determine the chains of shards of a run: the number of ranges, the width of the wave, and
// the numbers of shards of the ranges.
type chains struct {
	ranges, width int
	count         shardCount
}

// of returns the number of a shard's chain.
func (c chains) of(t task) int { return (t.r + t.shard) % c.width }

// first returns the number of a chain's first shard in range r. If the range has no shard with this number, it has no
// shard of the chain.
func (c chains) first(chain, r int) int { return ((chain-r)%c.width + c.width) % c.width }

// after returns the next shard in a shard's chain.
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

// from returns the first shard of a chain in range r or a later range. It reads at most as many ranges as the run has
// chains.
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

// before returns the last shard of a chain in the ranges before r; linkEnd if there is none.
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
