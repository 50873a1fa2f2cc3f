package run

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Scored is the marker of a run that is scored to the last sample: runs/<run>/scored.
type Scored struct {
	Delivery string        `json:"delivery"` // the delivery that created it
	Samples  events.Counts `json:"samples"`
	// Reasons counts the samples that were not scored by the kind of their reason.
	Reasons map[string]int64 `json:"reasons,omitempty"`
	// Flags counts the samples that were scored by what their scorer flagged them with.
	Flags map[string]int64 `json:"flags,omitempty"`
}

// Advance takes a run as far as its scores allow: a range with all its shard scores gets its
// scores in one object; a run with all its ranges gets the marker `scored` and its event. Every delivery runs it, so whoever is
// killed in the middle, the next one goes on.
func (s *Store) Advance(ctx context.Context, plan *Plan, r int, delivery string) error {
	done, err := s.gatherRange(ctx, plan, r)
	if err != nil || !done {
		return err
	}
	// The ranges after this one are the likeliest to be missing: look there first.
	for i := 1; i < len(plan.Ranges); i++ {
		if done, err := s.exists(ctx, rangeScoresName(plan.Run, (r+i)%len(plan.Ranges))); err != nil || !done {
			return err
		}
	}
	return s.finish(ctx, plan, delivery)
}

// gatherRange writes a range's scores if all its shards have theirs, and tells whether they have.
func (s *Store) gatherRange(ctx context.Context, plan *Plan, r int) (bool, error) {
	name := rangeScoresName(plan.Run, r)
	if done, err := s.exists(ctx, name); done || err != nil {
		return done, err
	}
	report, err := s.rangeReport(ctx, plan.Run, r)
	if errors.Is(err, bucket.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	scored, err := s.scoredShards(ctx, plan.Run, r)
	if err != nil || len(scored) < len(report.Shards) {
		return false, err
	}
	_, err = s.create(ctx, name, func(w io.Writer) error {
		out, err := scores.NewWriter(w, plan.Rubric.Capabilities)
		if err != nil {
			return err
		}
		for shard := range report.Shards {
			table, err := s.readScores(ctx, shardScoresName(plan.Run, r, shard))
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

// scoredShards are the numbers of a range's shards that have scores.
func (s *Store) scoredShards(ctx context.Context, run string, r int) (map[int]bool, error) {
	return s.numbers(ctx, shardScoresPrefix(run, r), ".parquet")
}

// finish marks a run as scored and publishes its event, at least once and always with one id.
func (s *Store) finish(ctx context.Context, plan *Plan, delivery string) error {
	if sent, err := s.exists(ctx, scoredSentName(plan.Run)); sent || err != nil {
		return err
	}
	var marker Scored
	err := s.readJSON(ctx, scoredName(plan.Run), &marker)
	if errors.Is(err, bucket.ErrNotExist) {
		if marker, err = s.count(ctx, plan); err != nil {
			return err
		}
		marker.Delivery = delivery
		_, err = s.createJSON(ctx, scoredName(plan.Run), marker)
	}
	if err != nil {
		return err
	}
	event, err := events.CloudEvent(events.RunScored, plan.Run, plan.Run, s.Now(),
		events.RunScoredEvent{Run: plan.Run, Dataset: plan.Dataset, Samples: marker.Samples})
	if err != nil {
		return err
	}
	if err := s.Events.Publish(ctx, event); err != nil {
		return err
	}
	_, err = s.createJSON(ctx, scoredSentName(plan.Run), map[string]string{"delivery": delivery})
	return err
}

// count accounts for every sample of a scored run.
func (s *Store) count(ctx context.Context, plan *Plan) (Scored, error) {
	total := Scored{Reasons: map[string]int64{}, Flags: map[string]int64{}}
	for r := range plan.Ranges {
		table, err := s.readScores(ctx, rangeScoresName(plan.Run, r))
		if err != nil {
			return Scored{}, err
		}
		for _, rec := range table.Records {
			account(&total.Samples, rec.Status)
			if rec.Status != scores.OK {
				total.Reasons[reasonKind(rec.Reason)]++
				continue
			}
			for _, flag := range rec.Flags {
				total.Flags[flag]++
			}
		}
	}
	return total, nil
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

func (s *Store) readScores(ctx context.Context, name string) (*scores.Table, error) {
	data, err := s.read(ctx, name)
	if err != nil {
		return nil, err
	}
	table, err := scores.Read(newReaderAt(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return table, nil
}
