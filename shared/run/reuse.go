package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scores"
)

// A place is the range of a sample in a run, and its position in the range.
type place struct{ shardRange, position int32 }

const (
	// placeBytes is an estimate of the memory of one entry of a map of places, with its key.
	placeBytes = 100
	// maxPlacesBytes is the size limit of the cache of places. The places of a run are read once, and needed for each of
	// its shards.
	maxPlacesBytes = 512 << 20
)

// earlier returns the record of the same sample in the previous attempt. It is nil for a first attempt, and if the
// previous attempt did not score the sample with the same scorer and rubric. All attempts cut the manifests equally, so
// the sample has the same place. The record is shared: do not change it.
func (l *loader) earlier(ctx context.Context, plan *Plan, rec *scores.Record) (*scores.Record, error) {
	if plan.Attempt == 0 {
		return nil, nil
	}
	table, err := l.runs.Scores(ctx, plan.Reuse, rec.Range)
	if removed, looked := l.reuseRemoved(ctx, plan, err); removed || looked != nil {
		return nil, looked
	}
	if err != nil {
		return nil, fmt.Errorf("reusing scores of run %s: %w", plan.Reuse, err)
	}
	if rec.Position >= len(table.Records) {
		return nil, nil
	}
	earlier := &table.Records[rec.Position]
	if earlier.Status != scores.OK || earlier.ID != rec.ID ||
		earlier.ScorerID != rec.ScorerID || earlier.Rubric != rec.Rubric {
		return nil, nil
	}
	return earlier, nil
}

// takeOver copies the scores of a sample from the previous attempt, if the sample's images have not changed. It reports
// whether it copied scores. It does not read the images.
func (l *loader) takeOver(
	ctx context.Context, plan *Plan, fetcher *images.Fetcher, sample *dataset.Sample, rec *scores.Record,
) (bool, error) {
	earlier, err := l.earlier(ctx, plan, rec)
	if earlier == nil || err != nil || len(earlier.Seen) != len(sample.Images) {
		return false, err
	}
	for i, img := range sample.Images {
		if there, err := fetcher.Look(ctx, img); err != nil || there != earlier.Seen[i] {
			return false, err
		}
	}
	rec.Seen = earlier.Seen
	takeScores(rec, earlier, plan.Reuse)
	return true, nil
}

// reuse copies scores from the earlier run, if the same scorer rated a sample with this record's content under the same
// rubric. It reports whether it copied scores. The state of the images in rec stays unchanged.
func (l *loader) reuse(ctx context.Context, plan *Plan, rec *scores.Record) (bool, error) {
	if plan.Reuse == "" {
		return false, nil
	}
	if plan.Attempt > 0 {
		earlier, err := l.earlier(ctx, plan, rec)
		if earlier == nil || err != nil || earlier.Content != rec.Content {
			return false, err
		}
		takeScores(rec, earlier, plan.Reuse)
		return true, nil
	}
	places, err := l.runs.places.Get(ctx, plan.Reuse, func(ctx context.Context) (map[string]place, error) {
		return l.runs.ratedContent(ctx, plan.Reuse)
	})
	if removed, looked := l.reuseRemoved(ctx, plan, err); removed || looked != nil {
		return false, looked
	}
	if err != nil {
		return false, fmt.Errorf("reusing scores of run %s: %w", plan.Reuse, err)
	}
	at, known := places[rec.Content]
	if !known {
		return false, nil
	}
	table, err := l.runs.Scores(ctx, plan.Reuse, int(at.shardRange))
	if removed, looked := l.reuseRemoved(ctx, plan, err); removed || looked != nil {
		return false, looked
	}
	if err != nil {
		return false, fmt.Errorf("reusing scores of run %s: %w", plan.Reuse, err)
	}
	earlier := &table.Records[at.position]
	if earlier.ScorerID != rec.ScorerID || earlier.Rubric != rec.Rubric {
		return false, nil
	}
	takeScores(rec, earlier, plan.Reuse)
	return true, nil
}

// reuseRemoved reports whether err, an error of reading the earlier run, means that the earlier run was removed. Then
// no scores are reused.
func (l *loader) reuseRemoved(ctx context.Context, plan *Plan, err error) (bool, error) {
	if !errors.Is(err, bucket.ErrNotExist) && !errors.Is(err, ErrNoRun) {
		return false, nil
	}
	return l.runs.Removed(ctx, plan.Reuse)
}

// takeScores copies the scores of an earlier record into rec. rec keeps its sample's place and the state of its images.
func takeScores(rec, earlier *scores.Record, from string) {
	taken := *earlier
	taken.ID, taken.Source, taken.Range, taken.Position = rec.ID, rec.Source, rec.Range, rec.Position
	taken.Seen, taken.TakenFrom = rec.Seen, from
	*rec = taken
}

// ratedContent returns the place of every scored sample of a run, by the sample's content.
func (r *Reader) ratedContent(ctx context.Context, run string) (map[string]place, error) {
	plan, err := r.UsablePlan(ctx, run)
	if err != nil {
		return nil, err
	}
	places := make(map[string]place, plan.Samples)
	for number := range plan.Ranges {
		file, err := r.scoreFile(ctx, run, number)
		if errors.Is(err, bucket.ErrNotExist) {
			continue // the earlier run has not scored this range
		} else if err != nil {
			return nil, err
		}
		contents, statuses, err := scores.ReadContents(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", RangeScoresName(run, number), err)
		}
		for i, status := range statuses {
			if status == scores.OK {
				places[contents[i]] = place{shardRange: int32(number), position: int32(i)}
			}
		}
	}
	return places, nil
}
