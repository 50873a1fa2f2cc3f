package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scores"
)

// A place says where a sample's scores lie in a run.
type place struct{ shardRange, position int32 }

// placeBytes estimates the memory that one entry of a map of places takes with its key.
const placeBytes = 100

// reuse takes over the scores that an earlier run has of a sample with this record's content, if the same scorer rated
// it under the same rubric, and reports whether it did.
func (l *loader) reuse(ctx context.Context, plan *Plan, rec *scores.Record) (bool, error) {
	if plan.Reuse == "" {
		return false, nil
	}
	places, err := l.rated.Get(ctx, plan.Reuse, func(ctx context.Context) (map[string]place, error) {
		return l.runs.ratedContent(ctx, plan.Reuse)
	})
	if err != nil {
		return false, fmt.Errorf("taking over scores of run %s: %w", plan.Reuse, err)
	}
	at, known := places[rec.Content]
	if !known {
		return false, nil
	}
	table, err := l.runs.Scores(ctx, plan.Reuse, int(at.shardRange))
	if err != nil {
		return false, fmt.Errorf("taking over scores of run %s: %w", plan.Reuse, err)
	}
	earlier := table.Records[at.position]
	if earlier.ScorerID != rec.ScorerID || earlier.Rubric != rec.Rubric {
		return false, nil
	}
	earlier.ID, earlier.Source, earlier.Range, earlier.Position = rec.ID, rec.Source, rec.Range, rec.Position
	*rec = earlier
	return true, nil
}

// ratedContent finds every scored sample of a run by its content.
func (r *Reader) ratedContent(ctx context.Context, run string) (map[string]place, error) {
	plan, err := r.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	places := make(map[string]place, plan.Samples)
	for number := range plan.Ranges {
		file, err := r.ScoreFile(ctx, run, number)
		if errors.Is(err, bucket.ErrNotExist) {
			continue // the earlier run did not come that far
		} else if err != nil {
			return nil, err
		}
		contents, statuses, err := scores.ReadContents(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", rangeScoresName(run, number), err)
		}
		for i, status := range statuses {
			if status == scores.OK {
				places[contents[i]] = place{shardRange: int32(number), position: int32(i)}
			}
		}
	}
	return places, nil
}
