package run

import (
	"context"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A RangeReport is what is known of a range once it is cut: runs/<run>/ranges/<range>.json.
type RangeReport struct {
	Range   int   `json:"range"`
	Samples int64 `json:"samples"`
	// Shards holds the number of samples of each shard.
	Shards []int `json:"shards"`
	// Problems counts invalid records by code; Examples are the first of them.
	Problems map[reason.Code]int `json:"problems,omitempty"`
	Examples []*dataset.Problem  `json:"examples,omitempty"`
}

const maxExamples = 20

// CutRange reads one range of a run once, writes its shards, and publishes a message for each
// shard. Repeated, it publishes what is still unscored.
func (w *Worker) CutRange(ctx context.Context, task events.RangeTask, delivery string) error {
	plan, err := w.workable(ctx, task.Run)
	if plan == nil || err != nil {
		return err
	}
	if err := plan.checkRange(task.Range); err != nil {
		return err
	}
	if cut, err := bucket.Exists(ctx, w.work, rangeName(plan.Run, task.Range)); err != nil {
		return err
	} else if !cut {
		if err := w.writeShards(ctx, plan, task.Range); err != nil {
			return fmt.Errorf("cutting range %d of run %s: %w", task.Range, plan.Run, err)
		}
	}
	if err := w.publishUnscored(ctx, plan, task.Range); err != nil {
		return err
	}
	return w.advance(ctx, plan, task.Range, delivery)
}

// writeShards writes the shards of a range and then its report.
func (w *Worker) writeShards(ctx context.Context, plan *Plan, r int) error {
	out := &shardWriter{
		Worker: w, plan: plan, size: shardSize{limits: plan.Constants},
		report: RangeReport{Range: r, Problems: map[reason.Code]int{}},
	}
	err := EachRecord(ctx, w.input, plan, r, func(sample *dataset.Sample) error { return out.add(ctx, sample) })
	if err != nil {
		return err
	}
	for len(out.shard) > 0 {
		if err := out.flush(ctx); err != nil {
			return err
		}
	}
	_, err = bucket.CreateJSON(ctx, w.work, rangeName(plan.Run, r), out.report)
	return err
}

// A shardWriter cuts the records of a range into shards.
type shardWriter struct {
	*Worker
	plan   *Plan
	report RangeReport
	shard  []dataset.Sample // read, and in no shard yet
	size   shardSize        // of shard
	ahead  int              // records that are to be read still, and that a shard of another delivery has
}

func (o *shardWriter) add(ctx context.Context, sample *dataset.Sample) error {
	for !o.size.takes(sample) {
		if err := o.flush(ctx); err != nil {
			return err
		}
	}
	if o.ahead > 0 {
		o.ahead--
		return nil
	}
	o.shard = append(o.shard, *sample)
	o.size.add(sample)
	return nil
}

// flush ends a shard. If another delivery wrote it, perhaps before the manifest was replaced, what it holds counts.
func (o *shardWriter) flush(ctx context.Context) error {
	number := len(o.report.Shards)
	name := shardName(o.plan.Run, o.report.Range, number)
	written, err := bucket.CreateOnce(ctx, o.work, name, func(w io.Writer) error {
		return dataset.WriteShard(w, o.shard)
	})
	kept := o.shard
	if err == nil && !written {
		kept, err = o.runs.Samples(ctx, o.plan.Run, o.report.Range, number)
	}
	if err != nil {
		return err
	}
	o.report.add(kept)
	o.ahead = max(len(kept)-len(o.shard), 0)
	o.shard = append(o.shard[:0], o.shard[min(len(kept), len(o.shard)):]...)
	o.size = shardSize{limits: o.size.limits}
	for i := range o.shard {
		o.size.add(&o.shard[i])
	}
	return nil
}

// add takes a shard into the report.
func (r *RangeReport) add(shard []dataset.Sample) {
	r.Shards = append(r.Shards, len(shard))
	r.Samples += int64(len(shard))
	for i := range shard {
		if p := shard[i].Problem; p != nil {
			r.Problems[p.Code]++
			if len(r.Examples) < maxExamples {
				r.Examples = append(r.Examples, p)
			}
		}
	}
}
