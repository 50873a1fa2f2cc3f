package run

import (
	"context"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A removal is the content of a run's tombstone.
type removal struct {
	At time.Time `json:"at"`
}

// Remove creates the tombstone of a run of one machine. From then on the run does not exist, even while it has objects,
// and its id is never used again. The caller deletes the run's objects afterwards, in any order.
func Remove(ctx context.Context, work bucket.Bucket, run string, now time.Time) error {
	_, err := bucket.CreateJSON(ctx, work, removedName(run), removal{now.UTC()})
	return err
}

// Removed reports whether a run was removed. In the cloud runs are never removed, so it makes no request.
func (r *Reader) Removed(ctx context.Context, run string) (bool, error) {
	if !r.removable || !runPattern.MatchString(run) {
		return false, nil
	}
	removed, err := bucket.Exists(ctx, r.work, removedName(run))
	if err != nil {
		return false, fmt.Errorf("checking if run %s was removed: %w", run, err)
	}
	return removed, nil
}

// HalfRemoved returns the ids of removed runs that still have objects, in ascending order. A run is left like this if
// the process that removed it was killed, or if another process was still working on the run.
func (r *Reader) HalfRemoved(ctx context.Context) ([]string, error) {
	_, removed, err := r.folders(ctx)
	return removed, err
}

// folders returns the ids of the runs that have objects: existing runs and removed runs, both in ascending order.
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

// notRemoved changes plan to the first plan of a series whose run was not removed, and sets its run id. next changes a
// plan to the next plan of the series.
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
