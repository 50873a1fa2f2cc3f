package run

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
)

// A Scored is the marker of a run whose samples are all scored: runs/<run>/scored.
type Scored struct {
	Delivery string `json:"delivery"` // the delivery that created it
	Counts
}

// advance advances a run as far as the written scores allow. If all shards of a range are scored, it writes the range's
// scores as one object, and the range's counts. If all ranges of a block have counts, it writes their sum, and so on
// for blocks of blocks. The sum of the whole run is its marker `scored`, after which the event is published. Every
// delivery does this after its own work, so if a process is killed, a later delivery continues. The number of requests
// does not depend on the number of ranges.
func (w *Worker) advance(ctx context.Context, plan *Plan, r int, delivery string) error {
	counts, err := w.gatherRange(ctx, plan, r)
	if err != nil || counts == nil {
		return err
	}
	number, nodes := r, len(plan.Ranges)
	for level := 0; nodes > 1; level++ {
		number, nodes = number/countsBlock, (nodes+countsBlock-1)/countsBlock
		if counts, err = w.sumBlock(ctx, plan, level, number); err != nil || counts == nil {
			return err
		}
	}
	return w.finish(ctx, plan, *counts, delivery)
}

// advanceAll advances a run whose deliveries may be lost. It joins the scores of rated ranges, counts the ranges that
// have joined scores, and writes missing sums and the marker. It lists the existing objects first, so that the number
// of requests depends only on what is missing.
func (w *Worker) advanceAll(ctx context.Context, plan *Plan, gathered map[int]bool, rated []int) error {
	counted, err := w.runs.counted(ctx, plan)
	if err != nil {
		return err
	}
	for r := range plan.Ranges {
		if gathered[r] && !counted[0][r] {
			rated = append(rated, r)
		}
	}
	size, top := 1, 0 // size is the number of ranges in a count of the level
	for ; plan.nodes(top) > 1; top++ {
		size *= countsBlock
		for block := range plan.nodes(top + 1) {
			first, last := block*countsBlock, min((block+1)*countsBlock, plan.nodes(top))
			if !counted[top+1][block] && bucket.HasAll(counted[top], first, last) {
				rated = append(rated, block*size)
			}
		}
	}
	if counted[top][0] {
		rated = append(rated, 0)
	}
	for _, r := range rated {
		if err := w.advance(ctx, plan, r, "continued"); err != nil {
			return err
		}
	}
	return nil
}

// gatherRange writes the scores and the counts of a range if all its shards are scored. It returns the counts; nil if a
// shard is not scored.
func (w *Worker) gatherRange(ctx context.Context, plan *Plan, r int) (*Counts, error) {
	counts, err := w.runs.counts(ctx, plan.Run, 0, r)
	if counts != nil || err != nil {
		return counts, err
	}
	report, err := w.runs.RangeReport(ctx, plan.Run, r)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	name := RangeScoresName(plan.Run, r)
	gathered, err := bucket.Exists(ctx, w.work, name)
	if err != nil {
		return nil, err
	}
	if !gathered {
		scored, err := w.runs.scoredShards(ctx, plan.Run, r)
		if err != nil || len(scored) < len(report.Shards) {
			return nil, err
		}
		if counts, err = w.writeRangeScores(ctx, plan, r, len(report.Shards)); err != nil {
			return nil, err
		}
	}
	if counts == nil { // another delivery wrote them
		table, err := w.runs.readTable(ctx, plan.Run, name)
		if err != nil {
			return nil, err
		}
		counts = newCounts()
		if err := w.countRecords(ctx, plan, r, table.Records, counts); err != nil {
			return nil, err
		}
	}
	counts.Shards = len(report.Shards)
	_, err = bucket.CreateJSON(ctx, w.work, countsName(plan.Run, 0, r), counts)
	return counts, err
}

// writeRangeScores writes the scores of a range's shards as one object, and counts them. It returns nil if the object
// exists.
func (w *Worker) writeRangeScores(ctx context.Context, plan *Plan, r, shards int) (counts *Counts, err error) {
	written, err := bucket.CreateOnce(ctx, w.work, RangeScoresName(plan.Run, r), func(file io.Writer) error {
		counts = newCounts()
		out, err := scores.NewWriter(file, plan.Rubric.Capabilities)
		if err != nil {
			return err
		}
		for shard := range shards {
			table, err := w.runs.readTable(ctx, plan.Run, shardScoresName(plan.Run, r, shard))
			if err != nil {
				return err
			}
			if err := out.Write(table.Records); err != nil {
				return err
			}
			if err := w.countRecords(ctx, plan, r, table.Records, counts); err != nil {
				return err
			}
		}
		return out.Close()
	})
	if err != nil || !written {
		return nil, err
	}
	return counts, nil
}

// countRecords adds samples of a range to counts.
func (w *Worker) countRecords(ctx context.Context, plan *Plan, r int, records []scores.Record, counts *Counts) error {
	for i := range records {
		if err := w.countRecord(ctx, plan, r, &records[i], counts); err != nil {
			return err
		}
	}
	return nil
}

// finish marks a run as scored. It publishes the event of the run, and the task to make the run's automatic selections,
// at least once. The id of the event is always the same.
func (w *Worker) finish(ctx context.Context, plan *Plan, counts Counts, delivery string) error {
	if sent, err := bucket.Exists(ctx, w.work, ScoredSentName(plan.Run)); sent || err != nil {
		return err
	}
	marker := Scored{Delivery: delivery, Counts: counts}
	if _, err := bucket.CreateJSON(ctx, w.work, scoredName(plan.Run), marker); err != nil {
		return err
	}
	plan.RemoveUnpacked(ctx, w.work) // the shards hold the records
	if err := w.events.Publish(ctx, w.scoredEvents(plan, marker)...); err != nil {
		return err
	}
	if err := w.tasks.Publish(ctx, events.SelectTask{Run: plan.Run}.Message()); err != nil {
		return err
	}
	return w.again.Sent(ctx, ScoredSentName(plan.Run), delivery)
}

// scoredEvents returns the events of a scored run: run.scored, whose id is the run's id, and run.failed if the run
// failed.
func (w *Worker) scoredEvents(plan *Plan, marker Scored) []events.Event {
	data := events.RunEvent{
		Run: plan.Run, Dataset: plan.Dataset, Samples: &marker.Samples, API: w.events.RunAddress(plan.Run),
	}
	published := []events.Event{{Type: events.RunScored, ID: plan.Run, Run: plan.Run, Data: data}}
	if data.Problem = marker.Failure(plan.MaxFailed); data.Problem != "" {
		failed := runEvent(plan, events.RunFailed)
		failed.Data = data
		published = append(published, failed)
	}
	return published
}

// countRecord adds a sample to counts.
func (w *Worker) countRecord(ctx context.Context, plan *Plan, r int, rec *scores.Record, counts *Counts) error {
	account(&counts.Samples, rec.Status)
	if rec.TakenFrom != "" {
		counts.TakenOver++
	}
	if rec.Status == scores.OK {
		for _, flag := range rec.Flags {
			counts.Flags[flag]++
		}
		return nil
	}
	counts.Reasons[rec.Code]++
	if _, known := counts.Examples[rec.Code]; known {
		return nil
	}
	e, err := w.example(ctx, plan, r, rec)
	counts.Examples[rec.Code] = e
	return err
}

// example returns a sample of a range that was not scored, with its place.
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
		places, err := w.runs.Places(ctx, plan.Run, report, shard)
		if err == nil {
			e.Place = places[position]
		}
		return e, err
	}
	return e, nil
}

// account adds a sample with a status to counts.
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
