package run

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// Restore adds the entries of runs that are missing in the index, although the run's folder records when the run was
// accepted. So a run whose entry was deleted appears in lists again, and is continued. Restore returns the ids of these
// runs. It takes two requests for each run that is in the index.
func (x *Index) Restore(ctx context.Context, runs *Reader) (restored []string, err error) {
	ids, err := bucket.Children(ctx, x.work, Root)
	if err != nil {
		return nil, fmt.Errorf("listing the folders of runs: %w", err)
	}
	for _, id := range ids {
		created, err := x.restore(ctx, runs, id)
		if err != nil {
			return restored, fmt.Errorf("restoring run %s in the index: %w", id, err)
		}
		if created {
			restored = append(restored, id)
		}
	}
	return restored, nil
}

// restore adds the entry of a run if it is missing, and reports whether it was missing.
func (x *Index) restore(ctx context.Context, runs *Reader, id string) (created bool, err error) {
	since, err := ReadAcceptance(ctx, x.work, acceptedName(id))
	if err != nil || since.At.IsZero() { // not accepted yet, or the time is lost
		return false, err
	}
	e := Entry{Run: id}
	name := acceptedPrefix + e.name(since.At)
	if known, err := bucket.Exists(ctx, x.work, name); known || err != nil {
		return false, err
	}
	if removed, err := runs.Removed(ctx, id); removed || err != nil {
		return false, err
	}
	return bucket.CreateJSON(ctx, x.work, name, e)
}
