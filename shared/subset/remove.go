package subset

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// A Remover removes runs of one machine with all their selections.
type Remover struct {
	subsets *Reader
	work    bucket.Bucket
	deleter bucket.Deleter
}

// NewRemover returns a Remover. It returns an error if objects of the bucket cannot be deleted, as in the cloud.
func NewRemover(subsets *Reader, work bucket.Bucket) (*Remover, error) {
	deleter, ok := work.(bucket.Deleter)
	if subsets == nil || !ok {
		return nil, errors.New("making a subset.Remover: its Reader is missing, or its work bucket cannot delete objects; " +
			"only runs in a folder of one machine can be removed")
	}
	return &Remover{subsets, work, deleter}, nil
}

// A Size is the number and the total size of objects.
type Size struct {
	Objects int
	Bytes   int64
}

// Plus returns the sum of two sizes.
func (s Size) Plus(more Size) Size { return Size{s.Objects + more.Objects, s.Bytes + more.Bytes} }

// A StillNeededError is the error of removing a run that is still needed.
type StillNeededError struct {
	Run string
	// Why is the reason: the run itself is not finished, or a run that reuses its scores is not finished.
	Why string
	// By is the run that reuses the scores; empty if the run itself is not finished.
	By string
}

func (e *StillNeededError) Error() string { return fmt.Sprintf("run %s %s", e.Run, e.Why) }

// Users maps a run to the unfinished runs that reuse its scores.
type Users map[string][]string

// Check returns a *StillNeededError if a run is not finished, or if a run that uses its scores is not removed with it.
func (r *Remover) Check(ctx context.Context, runID string, users Users, with map[string]bool) error {
	for _, user := range users[runID] {
		if !with[user] {
			return &StillNeededError{Run: runID, By: user, Why: fmt.Sprintf(
				"is not removed, because run %s reuses its scores and is not finished; wait for that run, or remove it, too", user)}
		}
	}
	open, err := r.open(ctx, runID)
	if _, lost := errors.AsType[*bucket.LostError](err); lost {
		return nil // a damaged run is not continued
	}
	if open != "" && err == nil {
		return &StillNeededError{Run: runID, Why: open}
	}
	return err
}

// Users returns the Users among all runs.
func (r *Remover) Users(ctx context.Context) (Users, error) {
	ids, err := r.subsets.runs.Runs(ctx)
	if err != nil {
		return nil, err
	}
	statuses, err := r.subsets.runs.Outlines(ctx, ids)
	if err != nil {
		return nil, err
	}
	users := Users{}
	for _, st := range statuses {
		if st.Reuse != "" && isOpen(st.State) {
			users[st.Reuse] = append(users[st.Reuse], st.Run)
		}
	}
	return users, nil
}

// isOpen reports whether work on a run is unfinished.
func isOpen(state string) bool {
	switch state {
	case run.StatePlanning, run.StateAwaitingApproval, run.StateScoring, run.StateStalled:
		return true
	}
	return false
}

// open returns a text about the part of a run that is not finished; empty if the run is finished. A damaged run, or a
// run of another version, counts as finished, because it is not continued.
func (r *Remover) open(ctx context.Context, runID string) (string, error) {
	statuses, err := r.subsets.runs.Outlines(ctx, []string{runID})
	if err != nil || len(statuses) == 0 {
		return "", err
	}
	if state := statuses[0].State; isOpen(state) {
		return fmt.Sprintf("is not finished: it is %s", state), nil
	} else if state != run.StateScored && state != run.StateFailed {
		return "", nil
	}
	ids, err := r.subsets.List(ctx, runID)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		sel, err := r.subsets.Selection(ctx, runID, id)
		if err != nil {
			return "", err
		}
		if state, err := r.subsets.State(ctx, sel); err != nil {
			return "", err
		} else if state == StateWriting {
			return fmt.Sprintf("is not finished: its selection %s is being written", id), nil
		}
	}
	requests, err := r.subsets.requestIDs(ctx, runID)
	if err != nil {
		return "", err
	}
	for _, id := range requests {
		if made, err := bucket.Exists(ctx, r.work, requestMadeName(runID, id)); err != nil {
			return "", err
		} else if !made {
			return "is not finished: a requested selection is not made yet", nil
		}
	}
	return "", nil
}

// Mark creates the tombstone of a run. From then on the run does not exist, and its id is never used again.
func (r *Remover) Mark(ctx context.Context, runID string, now time.Time) error {
	return run.Remove(ctx, r.work, runID, now)
}

// Delete deletes the objects of a marked run, and returns their size. It can be repeated if it was interrupted, because
// the run's folder is deleted last.
func (r *Remover) Delete(ctx context.Context, runID string) (Size, error) {
	var freed Size
	for _, prefix := range removedPrefixes(runID) {
		var listed []bucket.Attrs
		for attrs, err := range r.work.List(ctx, prefix, "") {
			if err != nil {
				return freed, fmt.Errorf("listing the objects of run %s: %w", runID, err)
			}
			listed = append(listed, attrs)
		}
		for _, attrs := range listed {
			if err := r.deleter.Delete(ctx, attrs.Name); err != nil {
				return freed, fmt.Errorf("removing run %s: %w", runID, err)
			}
			freed = freed.Plus(Size{1, attrs.Size})
		}
	}
	return freed, nil
}

// DeleteLate is called after Delete. It deletes objects that another process writes until it detects that the run was
// removed. It returns after no new object was written for the time quiet, which should be longer than a write takes. It
// returns the size of the deleted objects.
func (r *Remover) DeleteLate(ctx context.Context, runID string, quiet time.Duration) (Size, error) {
	var freed Size
	for since := time.Now(); time.Since(since) < quiet; {
		select {
		case <-ctx.Done():
			return freed, ctx.Err()
		case <-time.After(quiet / 10):
		}
		late, err := r.Delete(ctx, runID)
		if err != nil {
			return freed, err
		}
		if freed = freed.Plus(late); late.Objects > 0 {
			since = time.Now()
		}
	}
	return freed, nil
}

// removedPrefixes returns the prefixes of a run's objects; its folder is last.
func removedPrefixes(runID string) []string {
	return []string{
		strings.TrimSuffix(temporaryPrefix(runID, ""), "/"), automaticName(runID, ""), run.Folder(runID),
	}
}

// Size returns the size of a run's objects.
func (r *Remover) Size(ctx context.Context, runID string) (Size, error) {
	var size Size
	for _, prefix := range removedPrefixes(runID) {
		for attrs, err := range r.work.List(ctx, prefix, "") {
			if err != nil {
				return size, fmt.Errorf("listing the objects of run %s: %w", runID, err)
			}
			size = size.Plus(Size{1, attrs.Size})
		}
	}
	return size, nil
}
