package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Retry starts the next attempt of a scored run. Samples that failed are tried again, as when their
// images came late; of the others every score is taken over whose record, images, rubric and
// scorer are unchanged.
func (s *Store) Retry(ctx context.Context, run string) (*Plan, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	if plan.Problem != "" {
		return nil, &RefusedError{Reason: plan.Problem}
	}
	if scored, err := s.exists(ctx, scoredName(run)); err != nil {
		return nil, err
	} else if !scored {
		return nil, fmt.Errorf("%w: %s: resume it instead", ErrNotScored, run)
	}
	for _, m := range plan.Manifests {
		now, err := s.stat(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		if now.Size != m.Size || now.CRC32C != m.CRC32C {
			return nil, &RefusedError{Reason: fmt.Sprintf("%s has changed since run %s: start the dataset again with `reuse: %s`", m.Name, run, run)}
		}
	}
	next := *plan
	next.Attempt, next.Reuse = plan.Attempt+1, run
	if err := next.identify(); err != nil {
		return nil, err
	}
	if _, err := s.createJSON(ctx, planName(next.Run), next); err != nil {
		return nil, err
	}
	wanted, err := s.wanted(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, spec := range wanted {
		if err := s.want(ctx, &next, spec); err != nil {
			return nil, err
		}
	}
	return &next, s.publishMissing(ctx, &next)
}

// A place says where a sample's scores lie in a run.
type place struct{ shardRange, position int32 }

// reuse takes over the scores that an earlier run has of a sample with this record's content, if
// the same scorer rated it under the same rubric. It tells whether it did.
func (s *Store) reuse(ctx context.Context, plan *Plan, rec *scores.Record) (bool, error) {
	if plan.Reuse == "" {
		return false, nil
	}
	places, err := s.rated.get(plan.Reuse, func() (map[string]place, error) { return s.ratedContent(ctx, plan.Reuse) })
	if err != nil {
		return false, fmt.Errorf("taking over scores of run %s: %w", plan.Reuse, err)
	}
	at, known := places[rec.Content]
	if !known {
		return false, nil
	}
	name := rangeScoresName(plan.Reuse, int(at.shardRange))
	table, err := s.tables.get(name, func() (*scores.Table, error) { return s.readScores(ctx, name) })
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
func (s *Store) ratedContent(ctx context.Context, run string) (map[string]place, error) {
	plan, err := s.Plan(ctx, run)
	if err != nil {
		return nil, err
	}
	places := make(map[string]place, plan.Samples)
	for r := range plan.Ranges {
		columns, err := s.rangeColumns(ctx, plan, r, selection.Request{})
		if errors.Is(err, bucket.ErrNotExist) {
			continue // the earlier run did not come that far
		} else if err != nil {
			return nil, err
		}
		for i, status := range columns.Status {
			if status == scores.OK {
				places[columns.Content[i]] = place{shardRange: int32(r), position: int32(i)}
			}
		}
	}
	return places, nil
}
