package subset

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// complete composes a selection's parts, marks it as completed, and publishes its event, at least
// once and always with one id.
func (s *Selector) complete(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, completedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	var subset, rejected []string
	for r := range plan.Ranges {
		subset = append(subset, subsetPartName(plan.Run, sel.ID, r))
		rejected = append(rejected, rejectedPartName(plan.Run, sel.ID, r))
	}
	if err := s.compose(ctx, sel.Outputs.Subset, subset); err != nil {
		return err
	}
	if err := s.compose(ctx, sel.Outputs.Rejected, rejected); err != nil {
		return err
	}
	if _, err := bucket.CreateJSON(ctx, s.work, completedName(plan.Run, sel.ID), sel.Outputs); err != nil {
		return err
	}
	data := events.SelectionCompletedEvent{
		Run: plan.Run, Dataset: plan.Dataset, Selection: sel.ID, Selected: sel.Selected,
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

func (s *Selector) compose(ctx context.Context, name string, parts []string) error {
	if err := s.work.Compose(ctx, name, parts); err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("composing %s: %w", name, err)
	}
	return nil
}
