package run

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// Scored is the marker of a run that is scored to the last sample: runs/<run>/scored.
type Scored struct {
	Delivery string        `json:"delivery"` // the delivery that created it
	Samples  events.Counts `json:"samples"`
	// Reasons counts the samples that were not scored by the code of their reason.
	Reasons map[reason.Code]int64 `json:"reasons,omitempty"`
	// Examples are the first samples that were not scored, by the code of their reason.
	Examples map[reason.Code]Example `json:"examples,omitempty"`
	// Flags counts the samples that were scored by what they are flagged with.
	Flags map[string]int64 `json:"flags,omitempty"`
}

// advance takes a run as far as its scores allow: a range with all its shard scores gets its scores in one object; a
// run with all its ranges gets the marker `scored` and its event. Every delivery runs it: when a process is killed in
// the middle, the next one continues.
func (w *Worker) advance(ctx context.Context, plan *Plan, r int, delivery string) error {
	done, err := w.gatherRange(ctx, plan, r)
	if err != nil || !done {
		return err
	}
	// The ranges after this one are the likeliest to be missing: look there first.
	for i := 1; i < len(plan.Ranges); i++ {
		if done, err := bucket.Exists(ctx, w.work, rangeScoresName(plan.Run, (r+i)%len(plan.Ranges))); err != nil || !done {
			return err
		}
	}
	return w.finish(ctx, plan, delivery)
}

// gatherRange writes a range's scores if all its shards have theirs, and reports whether they have.
func (w *Worker) gatherRange(ctx context.Context, plan *Plan, r int) (bool, error) {
	name := rangeScoresName(plan.Run, r)
	if done, err := bucket.Exists(ctx, w.work, name); done || err != nil {
		return done, err
	}
	report, err := w.runs.RangeReport(ctx, plan.Run, r)
	if errors.Is(err, bucket.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	scored, err := w.runs.scoredShards(ctx, plan.Run, r)
	if err != nil || len(scored) < len(report.Shards) {
		return false, err
	}
	_, err = bucket.CreateOnce(ctx, w.work, name, func(file io.Writer) error {
		out, err := scores.NewWriter(file, plan.Rubric.Capabilities)
		if err != nil {
			return err
		}
		for shard := range report.Shards {
			table, err := w.runs.readScores(ctx, shardScoresName(plan.Run, r, shard))
			if err != nil {
				return err
			}
			if err := out.Write(table.Records); err != nil {
				return err
			}
		}
		return out.Close()
	})
	return err == nil, err
}

// finish marks a run as scored and publishes its event, at least once and always with one id.
func (w *Worker) finish(ctx context.Context, plan *Plan, delivery string) error {
	if sent, err := bucket.Exists(ctx, w.work, scoredSentName(plan.Run)); sent || err != nil {
		return err
	}
	var marker Scored
	err := bucket.ReadJSON(ctx, w.work, scoredName(plan.Run), &marker)
	if errors.Is(err, bucket.ErrNotExist) {
		if marker, err = w.count(ctx, plan); err != nil {
			return err
		}
		marker.Delivery = delivery
		_, err = bucket.CreateJSON(ctx, w.work, scoredName(plan.Run), marker)
	}
	if err != nil {
		return err
	}
	published, err := w.scoredEvents(plan, marker)
	if err != nil {
		return err
	}
	if err := w.events.Publish(ctx, published...); err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, w.work, scoredSentName(plan.Run), map[string]string{"delivery": delivery})
	return err
}

// scoredEvents are the events of a scored run: that it is scored, and that it failed if it did.
func (w *Worker) scoredEvents(plan *Plan, marker Scored) ([]events.Message, error) {
	scored, err := events.CloudEvent(events.RunScored, plan.Run, plan.Run, w.now(),
		events.RunScoredEvent{Run: plan.Run, Dataset: plan.Dataset, Samples: marker.Samples})
	if err != nil {
		return nil, err
	}
	problem := marker.Failure(plan.MaxFailed)
	if problem == "" {
		return []events.Message{scored}, nil
	}
	failed, err := events.CloudEvent(events.RunFailed, plan.Run+"/failed", plan.Run, w.now(),
		events.RunFailedEvent{Run: plan.Run, Dataset: plan.Dataset, Samples: marker.Samples, Problem: problem})
	return []events.Message{scored, failed}, err
}

// count accounts for every sample of a scored run.
func (w *Worker) count(ctx context.Context, plan *Plan) (Scored, error) {
	total := Scored{
		Reasons: map[reason.Code]int64{}, Examples: map[reason.Code]Example{}, Flags: map[string]int64{},
	}
	for r := range plan.Ranges {
		table, err := w.runs.readScores(ctx, rangeScoresName(plan.Run, r))
		if err != nil {
			return Scored{}, err
		}
		for i := range table.Records {
			rec := &table.Records[i]
			account(&total.Samples, rec.Status)
			if rec.Status != scores.OK {
				if total.Reasons[rec.Code]++; total.Reasons[rec.Code] == 1 {
					if total.Examples[rec.Code], err = w.example(ctx, plan, r, rec); err != nil {
						return Scored{}, err
					}
				}
				continue
			}
			for _, flag := range rec.Flags {
				total.Flags[flag]++
			}
		}
	}
	return total, nil
}

// example is a sample of a range that was not scored, with its place.
func (w *Worker) example(ctx context.Context, plan *Plan, r int, rec *scores.Record) (Example, error) {
	e := Example{ID: rec.ID, Reason: rec.Reason}
	report, err := w.runs.RangeReport(ctx, plan.Run, r)
	if err != nil {
		return e, err
	}
	position := rec.Position
	for shard, size := range report.Shards {
		if position >= size {
			position -= size
			continue
		}
		samples, err := w.runs.Samples(ctx, plan.Run, r, shard)
		if err == nil && position < len(samples) {
			e.Place = samples[position].Place
		}
		return e, err
	}
	return e, nil
}

// account adds a sample to the counts.
func account(counts *events.Counts, status scores.Status) {
	counts.In++
	switch status {
	case scores.OK:
		counts.Scored++
	case scores.Failed:
		counts.Failed++
	case scores.Skipped:
		counts.Skipped++
	}
}
