package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// countsBlock is the number of counts that are summed in one step: counts of ranges, or sums of blocks of ranges.
const countsBlock = 64

// Counts has the numbers of scored, failed and skipped samples of a range, of a block of ranges, or of a run.
type Counts struct {
	Samples events.Counts `json:"samples"`
	Shards  int           `json:"shards"`
	// TakenOver counts the scored samples whose scores come from an earlier run.
	TakenOver int64 `json:"taken_over,omitempty"`
	// Reasons counts the samples without scores by reason code.
	Reasons map[reason.Code]int64 `json:"reasons,omitempty"`
	// Examples are the first samples without scores, by reason code.
	Examples map[reason.Code]Example `json:"examples,omitempty"`
	// Flags counts the scored samples by flag.
	Flags map[string]int64 `json:"flags,omitempty"`
}

func newCounts() *Counts {
	return &Counts{Reasons: map[reason.Code]int64{}, Examples: map[reason.Code]Example{}, Flags: map[string]int64{}}
}

// add adds the counts of later samples.
func (c *Counts) add(more *Counts) {
	c.Samples.In += more.Samples.In
	c.Samples.Scored += more.Samples.Scored
	c.Samples.Failed += more.Samples.Failed
	c.Samples.Skipped += more.Samples.Skipped
	c.Shards += more.Shards
	c.TakenOver += more.TakenOver
	for code, n := range more.Reasons {
		c.Reasons[code] += n
	}
	for code, e := range more.Examples {
		if _, known := c.Examples[code]; !known {
			c.Examples[code] = e
		}
	}
	for flag, n := range more.Flags {
		c.Flags[flag] += n
	}
}

// counts reads counts of a level: 0 for a range, 1 for a block of ranges, and so on. It returns nil if they are not
// written yet. The counts are shared: do not change them.
func (r *Reader) counts(ctx context.Context, run string, level, number int) (*Counts, error) {
	name := countsName(run, level, number)
	c, err := r.sums.Get(ctx, name, func(ctx context.Context) (*Counts, error) {
		c := newCounts()
		return c, bucket.ReadJSON(ctx, r.work, name, c)
	})
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

// nodes returns the number of counts of a level.
func (p *Plan) nodes(level int) int {
	n := len(p.Ranges)
	for range level {
		n = (n + countsBlock - 1) / countsBlock
	}
	return n
}

// sumBlock returns the sum of a block of counts of a level, and writes it if it is not written yet. It returns nil if a
// count of the block does not exist yet.
func (w *Worker) sumBlock(ctx context.Context, plan *Plan, level, block int) (*Counts, error) {
	if sum, err := w.runs.counts(ctx, plan.Run, level+1, block); sum != nil || err != nil {
		return sum, err
	}
	first := block * countsBlock
	last := min(first+countsBlock, plan.nodes(level))
	there, err := bucket.Numbers(ctx, w.work, countsPrefix(plan.Run, level, block), ".json")
	if err != nil || len(there) < last-first {
		return nil, err
	}
	sum := newCounts()
	for number := first; number < last; number++ {
		counts, err := w.runs.counts(ctx, plan.Run, level, number)
		if err != nil {
			return nil, err
		}
		if counts == nil {
			return nil, fmt.Errorf("%s is listed, but was removed before it could be read", countsName(plan.Run, level, number))
		}
		sum.add(counts)
	}
	_, err = bucket.CreateJSON(ctx, w.work, countsName(plan.Run, level+1, block), sum)
	return sum, err
}

// counted returns, for each level, which counts exist. The keys are the numbers in their names.
func (r *Reader) counted(ctx context.Context, plan *Plan) ([]map[int]bool, error) {
	counted := []map[int]bool{{}}
	for level := 0; plan.nodes(level) > 1; level++ {
		counted = append(counted, map[int]bool{})
	}
	for level := range counted {
		prefix := countsLevelPrefix(plan.Run, level)
		for attrs, err := range r.work.List(ctx, prefix, "") {
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", prefix, err)
			}
			number, ok := strings.CutSuffix(path.Base(attrs.Name), ".json")
			if n, err := strconv.Atoi(number); ok && err == nil {
				counted[level][n] = true
			}
		}
	}
	return counted, nil
}
