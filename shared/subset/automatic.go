package subset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An Automatic is a selection that was made without a call, or that a call marked so that subscribers act on it.
type Automatic struct{ Run, Selection string }

// Automatic returns the automatic selections in the order in which they were marked. Some of them may not be made yet.
func (r *Reader) Automatic(ctx context.Context) ([]Automatic, error) {
	var marks []bucket.Attrs
	for attrs, err := range r.work.List(ctx, automaticPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing automatic selections: %w", err)
		}
		marks = append(marks, attrs)
	}
	slices.SortStableFunc(marks, func(a, b bucket.Attrs) int { return int(a.Generation - b.Generation) })
	all := make([]Automatic, 0, len(marks))
	for _, mark := range marks {
		name := strings.TrimPrefix(mark.Name, automaticPrefix)
		if dot := strings.LastIndexByte(name, '.'); dot > 0 {
			all = append(all, Automatic{Run: name[:dot], Selection: name[dot+1:]})
		}
	}
	return all, nil
}

// Notify marks the selection of a request as automatic, so that subscribers act on it. The selection may already exist.
// The error is a *run.RefusedError if the request or the run is invalid.
func (s *Selector) Notify(ctx context.Context, runID string, request selection.Request) error {
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return err
	}
	return s.notify(ctx, plan, request)
}

// notify marks a selection as automatic, if possible before it is made, so that its event has the mark. If the
// selection was completed before, its event is published again, with the same id.
func (s *Selector) notify(ctx context.Context, plan *run.Plan, request selection.Request) error {
	of, err := s.identify(ctx, plan, request)
	if err != nil {
		return err
	}
	if _, err := bucket.CreateJSON(ctx, s.work, automaticName(plan.Run, of.id), struct{}{}); err != nil {
		return err
	}
	sel, err := s.Selection(ctx, plan.Run, of.id)
	if errors.Is(err, ErrNoSelection) {
		return nil // the step that completes it finds the mark
	} else if err != nil {
		return err
	}
	if ended, err := s.ended(ctx, sel); !ended || err != nil {
		return err
	}
	return s.announceAutomatic(ctx, plan, sel)
}

// announceAutomatic publishes the event of a completed selection again, if the selection was marked as automatic later
// and no published event has the mark. It is correct even if the selection is marked, or the process ends, between any
// two steps.
func (s *Selector) announceAutomatic(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sel.Selected == 0 {
		return nil // events of failed selections are not published again
	}
	if marked, err := bucket.Exists(ctx, s.work, automaticName(plan.Run, sel.ID)); !marked || err != nil {
		return err
	}
	if sent, err := bucket.Exists(ctx, s.work, automaticSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	return s.announce(ctx, plan, sel)
}

// isAutomatic reports whether a request's selection is automatic.
func (s *Selector) isAutomatic(ctx context.Context, plan *run.Plan, request selection.Request) (bool, error) {
	of, err := s.identify(ctx, plan, request)
	if _, refused := errors.AsType[*run.RefusedError](err); refused {
		return true, nil // the request will be refused again
	} else if err != nil {
		return false, err
	}
	return bucket.Exists(ctx, s.work, automaticName(plan.Run, of.id))
}
