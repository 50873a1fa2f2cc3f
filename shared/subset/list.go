package subset

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"golang.org/x/sync/errgroup"
)

// A Listed is a selection in a list.
type Listed struct {
	*Selection
	State    string    // one of the State constants, or run.StateDamaged
	Accepted time.Time // when it was first accepted; zero for a requested selection that is not made yet
}

// lookups is the number of selections that are looked up concurrently.
const lookups = 16

// ListPage returns a page of the selections of a run, in the order of their ids. The page has at most size selections,
// 1 or more, after the cursor. An empty cursor starts at the first selection. ListPage also returns the cursor of the
// next page; empty after the last selection. The cost does not depend on the number of selections.
func (r *Reader) ListPage(ctx context.Context, runID, cursor string, size int) ([]Listed, string, error) {
	if _, err := r.runs.Plan(ctx, runID); errors.Is(err, run.ErrPlanning) {
		return nil, "", nil
	} else if err != nil {
		return nil, "", err
	}
	ids, err := bucket.ChildrenAfter(ctx, r.work, selectionsPrefix(runID), cursor, size+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(ids) > size {
		ids = ids[:size]
		next = ids[size-1]
	}
	listed, err := r.lookUp(ctx, runID, ids)
	if err != nil {
		return nil, "", err
	}
	return listed, next, nil
}

// maxDated is the largest number of selections of a run whose times are compared to find the newest.
const maxDated = 10_000

// Newest returns at most size selections of a run, the newest first, and reports whether the run has more. It reads the
// time of each selection if the run has more than size; above maxDated, newer selections may be left out.
func (r *Reader) Newest(ctx context.Context, runID string, size int) (newest []Listed, more bool, err error) {
	if _, err := r.runs.Plan(ctx, runID); errors.Is(err, run.ErrPlanning) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	ids, err := bucket.ChildrenAfter(ctx, r.work, selectionsPrefix(runID), "", maxDated)
	if err != nil {
		return nil, false, err
	}
	if more = len(ids) > size; more {
		if ids, err = r.newestIDs(ctx, runID, ids); err != nil {
			return nil, false, err
		}
		ids = ids[:size]
	}
	newest, err = r.lookUp(ctx, runID, ids)
	slices.SortStableFunc(newest, func(a, b Listed) int { return b.Accepted.Compare(a.Accepted) })
	return newest, more, err
}

// newestIDs sorts the ids of selections of a run, the newest first.
func (r *Reader) newestIDs(ctx context.Context, runID string, ids []string) ([]string, error) {
	type dated struct {
		id string
		at time.Time
	}
	all := make([]dated, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, id := range ids {
		group.Go(func() error {
			at, err := r.Accepted(ctx, runID, id)
			all[i] = dated{id, at}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b dated) int { return b.at.Compare(a.at) })
	sorted := make([]string, len(all))
	for i, one := range all {
		sorted[i] = one.id
	}
	return sorted, nil
}

// lookUp returns the selections with these ids, without selections that are not made.
func (r *Reader) lookUp(ctx context.Context, runID string, ids []string) ([]Listed, error) {
	listed := make([]Listed, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, id := range ids {
		group.Go(func() (err error) {
			listed[i], err = r.listed(ctx, runID, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(listed, func(l Listed) bool { return l.Selection == nil }), nil
}

// listed returns a selection in a list. It has no Selection while the selection is not made.
func (r *Reader) listed(ctx context.Context, runID, id string) (Listed, error) {
	sel, err := r.Find(ctx, runID, id)
	var state string
	if err == nil {
		state, err = r.State(ctx, sel)
	}
	if lost, ok := errors.AsType[*bucket.LostError](err); ok {
		damaged := &Selection{ID: id, Run: runID, Dataset: run.DatasetOf(runID), Problem: lost.Error()}
		return Listed{Selection: damaged, State: run.StateDamaged}, nil
	} else if errors.Is(err, ErrNoSelection) {
		return Listed{}, nil
	} else if err != nil {
		return Listed{}, err
	}
	accepted, err := r.Accepted(ctx, runID, id)
	return Listed{Selection: sel, State: state, Accepted: accepted}, err
}
