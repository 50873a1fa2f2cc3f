package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/selection"
)

// want records the automatic selection that a dataset asks for when its run was planned with
// another or with none, as when dataset.yaml comes again with another budget. A run that is scored already selects at once.
func (s *Store) want(ctx context.Context, plan *Plan, spec selection.Request) error {
	if spec.Budget.IsZero() {
		return nil
	}
	asked, err := plan.Resolve(spec)
	if err != nil {
		return &RefusedError{Reason: err.Error()}
	}
	id, err := canonicalHash(asked)
	if err != nil {
		return fmt.Errorf("identifying a selection: %w", err)
	}
	if planned, err := plan.Resolve(plan.Selection); err == nil {
		if own, err := canonicalHash(planned); err != nil || own == id {
			return err
		}
	}
	if _, err := s.createJSON(ctx, wantedName(plan.Run, id), spec); err != nil {
		return err
	}
	// The record comes first: whoever marks the run as scored after this look finds it.
	if scored, err := s.exists(ctx, scoredName(plan.Run)); !scored || err != nil {
		return err
	}
	return s.Tasks.Publish(ctx, events.SelectTask{Run: plan.Run, Wanted: id}.Message())
}

// wanted are the selections that were asked for after a run was planned.
func (s *Store) wanted(ctx context.Context, run string) ([]selection.Request, error) {
	var specs []selection.Request
	for attrs, err := range s.Work.List(ctx, wantedPrefix(run), "") {
		if err != nil {
			return nil, fmt.Errorf("listing the selections that run %s is to have: %w", run, err)
		}
		var spec selection.Request
		if err := s.readJSON(ctx, attrs.Name, &spec); err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// SelectWanted makes one selection that was asked for after its run was planned.
func (s *Store) SelectWanted(ctx context.Context, task events.SelectTask) (*Selection, error) {
	var spec selection.Request
	if err := s.readJSON(ctx, wantedName(task.Run, task.Wanted), &spec); errors.Is(err, bucket.ErrNotExist) {
		return nil, events.DataError(err)
	} else if err != nil {
		return nil, err
	}
	return s.Select(ctx, task.Run, spec)
}

// SelectAutomatically makes every selection that a scored run is to have without further asking:
// the one of its plan, and those of wanted/.
func (s *Store) SelectAutomatically(ctx context.Context, run string) ([]*Selection, error) {
	plan, err := s.Plan(ctx, run)
	if errors.Is(err, ErrNoRun) {
		return nil, events.DataError(err)
	} else if err != nil {
		return nil, err
	}
	specs, err := s.wanted(ctx, run)
	if err != nil {
		return nil, err
	}
	if !plan.Selection.Budget.IsZero() {
		specs = append([]selection.Request{plan.Selection}, specs...)
	}
	var made []*Selection
	for _, spec := range specs {
		sel, err := s.Select(ctx, run, spec)
		if err != nil {
			return nil, err
		}
		made = append(made, sel)
	}
	return made, nil
}
