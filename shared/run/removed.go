package run

import (
	"context"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A removal is what the tombstone of a run says.
type removal struct {
	At time.Time `json:"at"`
}

// Remove creates the tombstone of a run of one machine: from then on the run does not exist, even while objects of it
// are left, and its id is never used again. Its objects are deleted afterwards, in any order.
func Remove(ctx context.Context, work bucket.Bucket, run string, now time.Time) error {
	_, err := bucket.CreateJSON(ctx, work, removedName(run), removal{now.UTC()})
	return err
}

// Removed reports whether a run was removed. In the cloud runs are not removed, so it looks for nothing.
func (r *Reader) Removed(ctx context.Context, run string) (bool, error) {
	if !r.removable || !runPattern.MatchString(run) {
		return false, nil
	}
	removed, err := bucket.Exists(ctx, r.work, removedName(run))
	if err != nil {
		return false, fmt.Errorf("looking whether run %s was removed: %w", run, err)
	}
	return removed, nil
}

// HalfRemoved lists removed runs that still have objects, in ascending order: the process that removed them was killed,
// or another one was still working on them.
func (r *Reader) HalfRemoved(ctx context.Context) ([]string, error) {
	_, removed, err := r.folders(ctx)
	return removed, err
}

// folders are the ids of the runs that have objects, in ascending order: existing runs and removed ones.
func (r *Reader) folders(ctx context.Context) (there, removed []string, err error) {
	ids, err := bucket.Children(ctx, r.work, Root)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		gone, err := r.Removed(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if gone {
			removed = append(removed, id)
		} else {
			there = append(there, id)
		}
	}
	return there, removed, nil
}

// notRemoved is the id of the first plan in a series that was not removed. next turns a plan into the next one of the
// series.
func (r *Reader) notRemoved(ctx context.Context, plan *Plan, next func(*Plan)) error {
	for {
		if err := plan.identify(); err != nil {
			return err
		}
		if removed, err := r.Removed(ctx, plan.Run); !removed || err != nil {
			return err
		}
		next(plan)
	}
}
