package subset

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// The states of a selection.
const (
	StateWriting   = "writing"   // some outputs are not written yet
	StateCompleted = "completed" // all outputs are written
	StateFailed    = "failed"    // the selection picked no sample or was refused, and has no outputs; see problem
)

// State returns the state of a selection: one of the State constants.
func (r *Reader) State(ctx context.Context, sel *Selection) (string, error) {
	if !sel.Made() && sel.Problem == "" {
		return StateWriting, nil
	}
	if sel.Selected == 0 {
		return StateFailed, nil
	}
	completed, err := bucket.Marked(
		ctx, r.work, completedName(sel.Run, sel.ID), completedSentName(sel.Run, sel.ID))
	if err != nil || !completed {
		return StateWriting, r.lost(sel.Run, sel.ID, err)
	}
	return StateCompleted, nil
}

// fail publishes the event of a selection that picked no sample or was refused, at least once and always with the same
// id.
func (s *Selector) fail(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, failedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	data := s.selectionEvent(plan, sel)
	data.Problem = sel.Problem
	var err error
	if data.Automatic, err = bucket.Exists(ctx, s.work, automaticName(plan.Run, sel.ID)); err != nil {
		return err
	}
	if err := s.events.Publish(ctx, announced(events.SelectionFailed, data)); err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, s.work, failedSentName(plan.Run, sel.ID), map[string]string{"problem": sel.Problem})
	return err
}
