package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A RangeReport describes a range that is cut: runs/<run>/ranges/<range>.json.
type RangeReport struct {
	Range   int   `json:"range"`
	Samples int64 `json:"samples"`
	// Shards has the number of samples of each shard.
	Shards []int `json:"shards"`
	// Problems counts invalid records by code. Examples are the first invalid records.
	Problems map[reason.Code]int `json:"problems,omitempty"`
	Examples []*dataset.Problem  `json:"examples,omitempty"`
}

const maxExamples = 20

// CutRange reads one range of a run once and writes its shards, unless the shards exist or another delivery is cutting
// the range. Then it publishes the first shard of the range in each chain that waits for the range, and the next range
// of the range's own chain. delivery is the message's id. If attempts at the range fail too often, it becomes a dead
// letter, and givenUp is the reason.
func (w *Worker) CutRange(
	ctx context.Context, message events.RangeTask, delivery string,
) (givenUp string, err error) {
	plan, wave, err := w.workable(ctx, message.Run, message.Wave)
	if plan == nil || err != nil {
		return "", err
	}
	if err := plan.checkRange(message.Range); err != nil {
		return "", err
	}
	t := rangeTask(message.Range)
	settled, err := w.runs.settled(ctx, plan.Run, wave, t)
	if err != nil {
		return "", err
	}
	if !settled {
		settled, givenUp, err = w.try(ctx, plan, wave, t, delivery, func(*attempt) error {
			return w.writeShards(ctx, plan, t.r)
		})
		if err != nil {
			return givenUp, fmt.Errorf("cutting %s of run %s: %w", t, plan.Run, err)
		} else if !settled {
			return givenUp, nil
		}
		// Another wave may have begun in the meantime. The next steps belong to it.
		if wave, err = w.laterWave(ctx, plan.Run); err != nil {
			return givenUp, err
		}
	}
	if err := w.publishAfter(ctx, plan, wave, t); err != nil {
		return givenUp, err
	}
	if err := w.continueChains(ctx, plan, wave, t.r); err != nil {
		return givenUp, err
	}
	return givenUp, w.advance(ctx, plan, t.r, delivery)
}

// writeShards writes the shards of a range and then its report.
func (w *Worker) writeShards(ctx context.Context, plan *Plan, r int) error {
	out := &shardWriter{
		Worker: w, plan: plan, size: shardSize{limits: plan.Constants},
		report:  RangeReport{Range: r, Problems: map[reason.Code]int{}},
		numbers: external.NewCollector(int(plan.Ranges[r].Span.Records)),
	}
	texts := Texts{Input: w.input, Work: w.work}
	check, err := plan.Manifests[plan.Ranges[r].Manifest].Reading.Checker()
	if err != nil {
		return err
	}
	err = eachRecord(ctx, texts, plan, r, check.Check, check.Plain, func(sample *dataset.Sample) error {
		return out.add(ctx, sample, check.Numberless)
	})
	if err != nil {
		return err
	}
	for len(out.shard) > 0 {
		if err := out.flush(ctx); err != nil {
			return err
		}
	}
	_, err = bucket.CreateOnce(ctx, w.work, numbersName(plan.Run, r), func(file io.Writer) error {
		return scores.WriteNumbers(file, out.numbers.Numbers())
	})
	if err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, w.work, rangeName(plan.Run, r), out.report)
	return err
}

// A shardWriter cuts the records of a range into shards.
type shardWriter struct {
	*Worker
	plan    *Plan
	report  RangeReport
	numbers *external.Collector
	shards  dataset.ShardWriter
	shard   []dataset.Sample // read, but not yet written to a shard
	bare    []bool           // for each sample of shard: whether its record is known to have no numeric field
	size    shardSize        // the size of shard
	kept    records          // the memory of the records of shard
	ahead   int              // number of records to skip, because another delivery has written them to a shard
}

func (o *shardWriter) add(ctx context.Context, sample *dataset.Sample, bare bool) error {
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
	o.shard[len(o.shard)-1].Raw = o.kept.keep(sample.Raw)
	o.bare = append(o.bare, bare)
	o.size.add(sample)
	return nil
}

// A records stores the bytes of small records one after the other, so that one allocation is enough for many records.
type records struct{ last []byte }

// recordBytes is the size of one allocation for small records. A small record has at most smallRecord bytes.
const recordBytes, smallRecord = 256 << 10, 16 << 10

// keep returns a copy of a record; nil for nil.
func (r *records) keep(record []byte) []byte {
	at, n := len(r.last), len(record)
	if record == nil || n > smallRecord {
		return bytes.Clone(record)
	}
	if n > cap(r.last)-at {
		r.last, at = make([]byte, 0, recordBytes), 0
	}
	r.last = append(r.last, record...)
	return r.last[at : at+n : at+n]
}

// reset frees the memory for other records.
func (r *records) reset() { r.last = r.last[:0] }

// flush ends a shard and writes it. If another delivery has written the shard, perhaps before the manifest was
// replaced, the report describes the stored records.
func (o *shardWriter) flush(ctx context.Context) error {
	number := len(o.report.Shards)
	name := shardName(o.plan.Run, o.report.Range, number)
	written, err := bucket.CreateOnce(ctx, o.work, name, func(w io.Writer) error {
		return o.shards.Write(w, o.shard)
	})
	kept := o.shard
	if err == nil && !written {
		kept, err = o.runs.shardSamples(ctx, o.plan, o.report.Range, name)
	}
	if err != nil {
		return err
	}
	o.report.add(kept)
	for i := range kept {
		record := kept[i].Raw
		if kept[i].Problem != nil || written && o.bare[i] { // an invalid record may not be JSON
			record = nil
		}
		o.numbers.Add(record)
	}
	o.ahead = max(len(kept)-len(o.shard), 0)
	taken := min(len(kept), len(o.shard))
	o.shard, o.bare = slices.Delete(o.shard, 0, taken), slices.Delete(o.bare, 0, taken)
	if len(o.shard) == 0 {
		o.kept.reset()
	}
	o.size = shardSize{limits: o.size.limits}
	for i := range o.shard {
		o.size.add(&o.shard[i])
	}
	return nil
}

// add adds a shard to the report.
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
