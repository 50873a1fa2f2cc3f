package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// startTime is the time that a run of any size may need for planning and for starting the first instances.
const startTime = 10 * time.Minute

// measured publishes events. For a scored run and a completed selection, it also logs the time since the run or
// selection was accepted. The objectives of the service are computed from these lines.
type measured struct {
	events.Publisher
	runs *run.Reader
	work bucket.Reader
	log  *slog.Logger
	now  func() time.Time
}

// Publish implements events.Publisher.
func (p measured) Publish(ctx context.Context, messages ...events.Message) error {
	if err := p.Publisher.Publish(ctx, messages...); err != nil {
		return err
	}
	for _, m := range messages {
		var err error
		switch m.Attributes[events.AttrType] {
		case events.RunScored:
			err = p.scored(ctx, m.Data)
		case events.SelectionCompleted:
			err = p.completed(ctx, m.Data)
		}
		if err != nil { // the event is published, so an error here must not cause a retry
			p.log.WarnContext(ctx, "the duration of the run or selection is not known", "event", m.Attributes["ce-id"],
				"error", err)
		}
	}
	return nil
}

func (p measured) scored(ctx context.Context, data []byte) error {
	var event events.RunEvent
	if err := json.Unmarshal(data, &event); err != nil {
		return err
	}
	plan, err := p.runs.Plan(ctx, event.Run)
	if err != nil {
		return err
	}
	accepted, err := p.runs.Acceptance(ctx, event.Run)
	if err != nil || accepted.At.IsZero() {
		return err
	}
	took := p.now().Sub(accepted.At)
	perMillion := max(took-startTime, 0).Seconds() / float64(max(plan.Samples, 1)) * 1e6
	p.log.InfoContext(ctx, "run scored", "run", event.Run, "scorer", plan.Scorer, "samples", plan.Samples,
		"seconds", took.Seconds(), "per_million", perMillion)
	return nil
}

func (p measured) completed(ctx context.Context, data []byte) error {
	var event events.SelectionEvent
	if err := json.Unmarshal(data, &event); err != nil {
		return err
	}
	accepted, err := subset.ReadAcceptance(ctx, p.work, event.Run, event.Selection)
	if err != nil || accepted.At.IsZero() {
		return err
	}
	p.log.InfoContext(ctx, "selection completed", "run", event.Run, "selection", event.Selection,
		"selected", event.Selected, "seconds", p.now().Sub(accepted.At).Seconds())
	return nil
}
