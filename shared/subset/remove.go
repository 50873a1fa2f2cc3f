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

// NewRemover makes a remover. If the bucket does not delete, as in the cloud, no run is removed.
func NewRemover(subsets *Reader, work bucket.Bucket) (*Remover, error) {
	deleter, ok := work.(bucket.Deleter)
	if subsets == nil || !ok {
		return nil, errors.New("making a subset.Remover: its Reader is missing, or its work bucket deletes nothing; " +
			"only runs in a folder of one machine can be removed")
	}
	return &Remover{subsets, work, deleter}, nil
}

// A Size is the number and the total size of objects.
type Size struct {
	Objects int
	Bytes   int64
}

// Plus is the sum of two sizes.
func (s Size) Plus(more Size) Size { return Size{s.Objects + more.Objects, s.Bytes + more.Bytes} }

// A StillNeededError says why a run is not removed.
type StillNeededError struct {
	Run string
	// Why says what is not finished: the run itself, or a run that takes over scores from it.
	Why string
	// By is that other run; empty if it is the run itself.
	By string
}

func (e *StillNeededError) Error() string { return fmt.Sprintf("run %s %s", e.Run, e.Why) }

// Users maps a run to the unfinished runs that take over scores from it.
type Users map[string][]string

// Check returns a *StillNeededError if a run is not finished, or if a run that uses its scores is not removed with it.
func (r *Remover) Check(ctx context.Context, runID string, users Users, with map[string]bool) error {
	for _, user := range users[runID] {
		if !with[user] {
			return &StillNeededError{Run: runID, By: user, Why: fmt.Sprintf(
				"gives its scores to run %s, which is not finished; wait for that run, or remove it too", user)}
		}
	}
	open, err := r.open(ctx, runID)
	if _, lost := errors.AsType[*bucket.LostError](err); lost {
		return nil // it will not be continued
	}
	if open != "" && err == nil {
		return &StillNeededError{Run: runID, Why: open}
	}
	return err
}

// Users finds the Users among all runs.
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

// open says which part of a run is not finished; empty if all is. A damaged run, or one of another version, counts as
// finished, because it is not continued.
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
			return "is not finished: a selection that was requested is not made", nil
		}
	}
	return "", nil
}

// Mark creates the tombstone of a run. From then on the run does not exist, and its id is never used again.
func (r *Remover) Mark(ctx context.Context, runID string, now time.Time) error {
	return run.Remove(ctx, r.work, runID, now)
}

// Delete deletes the objects of a marked run, and returns their size. It can be repeated if it ended in the middle,
// because the run's folder is deleted last.
func (r *Remover) Delete(ctx context.Context, runID string) (Size, error) {
	var freed Size
	for _, prefix := range removedPrefixes(runID) {
		var listed []bucket.Attrs
		for attrs, err := range r.work.List(ctx, prefix, "") {
			if err != nil {
				return freed, fmt.Errorf("listing what run %s has: %w", runID, err)
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

// DeleteLate deletes, after Delete, what a process that was at work on the run writes until it notices that the run is
// gone. It returns once nothing came for a time, which should be longer than a write takes, and what was deleted took.
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

// removedPrefixes are the prefixes of a run's objects; its folder is last.
func removedPrefixes(runID string) []string {
	return []string{
		strings.TrimSuffix(temporaryPrefix(runID, ""), "/"), automaticName(runID, ""), run.Folder(runID),
	}
}

// Size is the size of a run's objects.
func (r *Remover) Size(ctx context.Context, runID string) (Size, error) {
	var size Size
	for _, prefix := range removedPrefixes(runID) {
		for attrs, err := range r.work.List(ctx, prefix, "") {
			if err != nil {
				return size, fmt.Errorf("listing what run %s has: %w", runID, err)
			}
			size = size.Plus(Size{1, attrs.Size})
		}
	}
	return size, nil
}
