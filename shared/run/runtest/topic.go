package runtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/eventstest"
	"github.com/harvest-ml/harvest/shared/run"
)

// A Topic is a topic in memory. Published messages go to the fixture's queue.
type Topic struct {
	// Fail, if it is set, is the error of every publication.
	Fail    error
	fixture *Fixture
	events  []events.Message // events that were not taken
}

// A Delivery is a message that is not acknowledged yet.
type Delivery struct {
	events.Message
	ID      string // id of the message
	Attempt int    // from 1
	topic   *Topic
}

// Publish adds tasks to the queue, and stores events. If a process is killed while it publishes, the first half of its
// messages is published.
func (p *Topic) Publish(_ context.Context, messages ...events.Message) error {
	if p.Fail != nil {
		return p.Fail
	}
	f := p.fixture
	err := f.step()
	if err != nil {
		messages = messages[:len(messages)/2]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p == f.Events {
		f.Published = append(f.Published, messages...)
		p.events = append(p.events, messages...)
		for _, m := range messages {
			eventstest.Check(f.t, m)
		}
		return err
	}
	for _, m := range messages {
		f.published++
		id := fmt.Sprintf("message-%d", f.published)
		f.Queue = append(f.Queue, Delivery{Message: m, ID: id, Attempt: 1, topic: p})
	}
	return err
}

// Take removes all messages of the topic and returns them.
func (p *Topic) Take() []events.Message {
	if p == p.fixture.Events {
		taken := p.events
		p.events = nil
		return taken
	}
	return p.take(func(events.Message) bool { return true })
}

// TakeOf is Take for the messages of one kind of task.
func (p *Topic) TakeOf(task string) []events.Message {
	return p.take(func(m events.Message) bool { return m.Attributes[events.AttrTask] == task })
}

func (p *Topic) take(which func(events.Message) bool) (taken []events.Message) {
	p.fixture.mu.Lock()
	defer p.fixture.mu.Unlock()
	p.fixture.Queue = slices.DeleteFunc(p.fixture.Queue, func(d Delivery) bool {
		if d.topic != p || !which(d.Message) {
			return false
		}
		taken = append(taken, d.Message)
		return true
	})
	return taken
}

// Take removes the i-th message from the queue.
func (f *Fixture) Take(i int) Delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.Queue[i]
	f.Queue = slices.Delete(f.Queue, i, i+1)
	return d
}

// Deliver handles a message as the functions do.
func (f *Fixture) Deliver(d Delivery) error {
	ctx := f.t.Context()
	switch d.Attributes[events.AttrTask] {
	case events.TaskPlan:
		_, _, err := f.Subsets.PlanRun(ctx, f.Planner(), f.Worker, Decode[events.PlanTask](f.t, d.Message), d.ID)
		return err
	case events.TaskRange:
		_, err := f.Worker.CutRange(ctx, Decode[events.RangeTask](f.t, d.Message), d.ID)
		return err
	case events.TaskShard:
		_, err := f.Worker.ScoreShard(ctx, Decode[events.ShardTask](f.t, d.Message), d.ID)
		return err
	case events.TaskPart:
		return f.Subsets.WritePart(ctx, Decode[events.PartTask](f.t, d.Message))
	case events.TaskSelect:
		return f.makeSelections(Decode[events.SelectTask](f.t, d.Message))
	case events.TaskImages:
		_, err := f.Subsets.CheckImages(ctx, f.Planner(), f.Worker, Decode[events.ImagesTask](f.t, d.Message))
		return err
	case events.TaskReconcile:
		return f.reconcile(Decode[events.ReconcileTask](f.t, d.Message))
	default:
		return fmt.Errorf("there is no task %q", d.Attributes[events.AttrTask])
	}
}

// makeSelections makes the selections of a select task. A refused selection is a permanent error, because a redelivery
// would be refused, too.
func (f *Fixture) makeSelections(task events.SelectTask) error {
	_, err := f.Subsets.MakeSelections(f.t.Context(), task)
	if _, refused := errors.AsType[*run.RefusedError](err); refused || events.IsDataError(err) {
		return nil
	}
	return err
}

// Decode reads the data of a message.
func Decode[T any](t testing.TB, m events.Message) (v T) {
	t.Helper()
	if err := json.Unmarshal(m.Data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Drain delivers all messages in order, including new messages. It stops at the first failure, and leaves the failed
// message in the queue.
func (f *Fixture) Drain() error {
	for len(f.Queue) > 0 {
		d := f.Take(0)
		if err := f.Deliver(d); err != nil {
			d.Attempt++
			f.Queue = slices.Insert(f.Queue, 0, d)
			return err
		}
	}
	return nil
}
