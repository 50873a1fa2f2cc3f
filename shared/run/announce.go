package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// runEvent returns an event of a run. Its id is the run's id and the kind of the event.
func runEvent(plan *Plan, kind string) events.Event {
	return events.Event{Type: kind, Run: plan.Run, ID: plan.Run + "/" + strings.TrimPrefix(kind, "run.")}
}

// announce publishes an event of a run, unless an object records that it was published. It writes the object after it
// published the event, so the event may be published several times, always with the same id.
func (w *Worker) announce(ctx context.Context, plan *Plan, e events.Event, data events.RunEvent) error {
	name := eventName(plan.Run, strings.TrimPrefix(e.ID, plan.Run+"/"))
	if sent, err := bucket.Exists(ctx, w.work, name); sent || err != nil {
		return err
	}
	data.Run, data.Dataset, data.API = plan.Run, plan.Dataset, w.events.RunAddress(plan.Run)
	e.Data = data
	if err := w.events.Publish(ctx, e); err != nil {
		return err
	}
	return w.again.Sent(ctx, name, e.ID)
}

// announcePlanned publishes that a run has begun.
func (w *Worker) announcePlanned(ctx context.Context, plan *Plan) error {
	return w.announce(ctx, plan, runEvent(plan, events.RunPlanned), events.RunEvent{Planned: plan.Samples})
}

// AnnounceRefused publishes that a dataset was refused, if the plan is a refusal. A plan of another version of Harvest
// also has a Problem, but only that version publishes the events of the plan's run.
func (w *Worker) AnnounceRefused(ctx context.Context, plan *Plan) error {
	if !plan.isRefusal() {
		return nil
	}
	return w.announce(ctx, plan, runEvent(plan, events.RunRefused), events.RunEvent{Problem: plan.Problem})
}

// announceWaiting publishes the reason why a planned run does not continue: it was cancelled, waits for approval, or is
// stalled. Later steps call announceWaiting again, because the process that stopped the run may have ended before it
// published the event.
func (w *Worker) announceWaiting(ctx context.Context, plan *Plan) error {
	if scored, err := w.runs.Scored(ctx, plan.Run); scored || err != nil {
		return err
	}
	at, err := w.runs.standstill(ctx, plan, 1)
	if err != nil {
		return err
	}
	switch at.state {
	case StateCancelled:
		return w.announce(ctx, plan, runEvent(plan, events.RunCancelled), events.RunEvent{Planned: plan.Samples})
	case StateAwaitingApproval:
		return w.announce(ctx, plan, runEvent(plan, events.RunAwaitingApproval),
			events.RunEvent{Planned: plan.Samples, Cost: plan.EstimatedCost})
	case StateStalled:
		return w.announceStalled(ctx, plan, at.wave, at.problem())
	}
	return nil
}

// announceStalled publishes that a run needs a person, with one event id for each wave.
func (w *Worker) announceStalled(ctx context.Context, plan *Plan, wave *Wave, reason string) error {
	e := runEvent(plan, events.RunStalled)
	e.ID += fmt.Sprintf("/%d", wave.Number)
	return w.announce(ctx, plan, e, events.RunEvent{Planned: plan.Samples, Problem: reason})
}
