package subset

import (
	"context"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// complete marks a selection whose outputs are there as completed, and publishes its event, at least once and always
// with one id.
func (s *Selector) complete(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, completedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	if _, err := bucket.CreateJSON(ctx, s.work, completedName(plan.Run, sel.ID), sel.Outputs); err != nil {
		return err
	}
	data := events.SelectionCompletedEvent{
		Run: plan.Run, Dataset: plan.Dataset, Selection: sel.ID, Selected: sel.Selected,
		Shortfall: sel.Shortfall,
		Outputs: map[string]string{
			"subset": sel.Outputs.Subset, "rejected": sel.Outputs.Rejected,
			"picks": sel.Outputs.Picks, "selection": sel.Outputs.Selection,
		},
	}
	event, err := events.CloudEvent(events.SelectionCompleted, plan.Run+"/"+sel.ID, plan.Run, s.now(), data)
	if err != nil {
		return err
	}
	if err := s.events.Publish(ctx, event); err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, s.work, completedSentName(plan.Run, sel.ID), sel.Outputs)
	return err
}
