package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/infra/local/queue/queuetest"
	"github.com/harvest-ml/harvest/shared/events"
)

// never returns false, so that a clock runs until nothing is left to do.
func never() bool { return false }

// A received is a delivery that reached the endpoint.
type received struct {
	After   time.Duration // since the clock's start
	Text    string
	Attempt int
}

// A bench is a queue with one subscription to the tasks, and the deliveries that arrived.
type bench struct {
	*queue.Queue
	clock *queuetest.Clock
	begin time.Time
	stop  context.CancelFunc
	got   []received
	ids   map[string][]string // ids of messages by text
}

var policy = queue.Retry{Min: 10 * time.Second, Max: 600 * time.Second}

// newBench returns a queue with the subscription s, whose empty fields get defaults. answer returns the answer to a
// delivery; nil answers 204.
func newBench(t *testing.T, s queue.Subscription, answer func(context.Context, events.Envelope) (int, error)) *bench {
	t.Helper()
	b := &bench{clock: queuetest.NewClock(), ids: map[string][]string{}}
	b.begin = b.clock.Now()
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	t.Cleanup(stop)
	var err error
	b.Queue, err = queue.New(ctx, queue.Config{Clock: b.clock, Log: slog.New(slog.DiscardHandler), Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name == "" {
		s.Subscription = events.Subscription{Name: "tasks", Topic: events.TopicTasks}
	}
	s.Slots = max(s.Slots, 1)
	if s.Retry == (queue.Retry{}) {
		s.Retry = policy
	}
	s.Push = func(ctx context.Context, e events.Envelope) (int, error) {
		text := string(e.Message.Data)
		b.got = append(b.got, received{b.clock.Now().Sub(b.begin), text, e.DeliveryAttempt})
		b.ids[text] = append(b.ids[text], e.Message.MessageID)
		if answer == nil {
			return http.StatusNoContent, nil
		}
		return answer(ctx, e)
	}
	if err := b.Subscribe(s); err != nil {
		t.Fatal(err)
	}
	return b
}

func text(n int) events.Message { return events.Message{Data: []byte(fmt.Sprint(n))} }

func (b *bench) publish(t *testing.T, n int) {
	t.Helper()
	var messages []events.Message
	for i := range n {
		messages = append(messages, text(i))
	}
	if err := b.Topic(events.TopicTasks).Publish(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
}

// TestSubscriptions checks that every kind of message reaches exactly one of the subscriptions of a deployment.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	clock := queuetest.NewClock()
	q, err := queue.New(t.Context(), queue.Config{Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range events.Subscriptions() {
		push := func(_ context.Context, e events.Envelope) (int, error) {
			if e.Subscription != "projects/harvest-local/subscriptions/"+s.Name || e.Message.MessageID == "" {
				t.Errorf("envelope %+v", e)
			}
			got[string(e.Message.Data)] += s.Name + " "
			return http.StatusOK, nil
		}
		if err := q.Subscribe(queue.Subscription{Subscription: s, Push: push, Slots: 1, Retry: policy}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{}
	for _, m := range []struct {
		topic, name string
		attributes  map[string]string
		to          string
	}{
		{events.TopicUploads, "upload", map[string]string{"eventType": "OBJECT_FINALIZE"}, "ingest-uploads "},
		{events.TopicTasks, "range", events.RangeTask{}.Message().Attributes, "ingest-ranges "},
		{events.TopicTasks, "embedded", events.ShardTask{}.Message("embedded", false).Attributes, "score "},
		{events.TopicTasks, "llm", events.ShardTask{}.Message("llm", false).Attributes, "score-llm "},
		{events.TopicTasks, "small", events.ShardTask{}.Message("llm", true).Attributes, "score-llm-small "},
		{events.TopicTasks, "no scorer", map[string]string{events.AttrTask: events.TaskShard}, "score "},
		{events.TopicTasks, "gpu", events.ShardTask{}.Message("gpu", false).Attributes, "score-gpu "},
		{events.TopicTasks, "part", events.PartTask{}.Message().Attributes, "curate-parts "},
		{events.TopicTasks, "select", events.SelectTask{}.Message().Attributes, "curate-selections "},
		{events.TopicTasks, "images", events.ImagesTask{}.Message().Attributes, "curate-images "},
		{events.TopicTasks, "reconcile", events.ReconcileTask{}.Message().Attributes, "curate-reconcile "},
		{events.TopicEvents, "scored", map[string]string{events.AttrType: events.RunScored}, ""},
		{events.TopicEvents, "completed", map[string]string{events.AttrType: events.SelectionCompleted}, ""},
	} {
		message := events.Message{Attributes: m.attributes, Data: []byte(m.name)}
		if err := q.Topic(m.topic).Publish(t.Context(), message); err != nil {
			t.Fatal(err)
		}
		if m.to != "" {
			want[m.name] = m.to
		}
	}
	clock.Run(never)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("subscriptions that messages reached (-want +got):\n%s", diff)
	}
}

// TestBackoff fails a message twelve times.
func TestBackoff(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{}, func(_ context.Context, e events.Envelope) (int, error) {
		switch {
		case e.DeliveryAttempt > 12:
			return http.StatusAccepted, nil
		case e.DeliveryAttempt%3 == 0:
			return 0, errors.New("connection refused")
		case e.DeliveryAttempt%3 == 1:
			return http.StatusTooManyRequests, nil
		}
		return http.StatusServiceUnavailable, nil
	})
	b.publish(t, 1)
	b.clock.Run(never)
	var want []received
	at, pause := time.Duration(0), policy.Min
	for attempt := range 13 {
		want = append(want, received{at, "0", attempt + 1})
		at += pause
		pause = min(2*pause, policy.Max)
	}
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if ids := slices.Compact(b.ids["0"]); len(ids) != 1 {
		t.Errorf("one message has the ids %q", ids)
	}
}

// TestExpiry fails a message until the message is too old and is dropped.
func TestExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{}, func(context.Context, events.Envelope) (int, error) { return 503, nil })
	b.publish(t, 1)
	b.clock.Run(never)
	want := queue.Stats{MostOutstanding: 1, Arrived: 1, Expired: 1}
	if diff := cmp.Diff(want, b.Stats("tasks"), cmpopts.IgnoreFields(want, "Pushed")); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	last := b.got[len(b.got)-1].After
	if last > queue.Retention || last < queue.Retention-policy.Max || len(b.got) < 31*24*6 {
		t.Errorf("the last of %d deliveries came after %s", len(b.got), last)
	}
}

// TestAckDeadline answers a delivery only after its context has ended. Then the answer does not count.
func TestAckDeadline(t *testing.T) {
	t.Parallel()
	var b *bench
	b = newBench(t, queue.Subscription{Slots: 2}, func(ctx context.Context, e events.Envelope) (int, error) {
		if e.DeliveryAttempt == 1 {
			if err := b.clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
				t.Errorf("the delivery was not cancelled: %v", err)
			}
		}
		return http.StatusOK, nil
	})
	b.publish(t, 1)
	b.clock.Run(never)
	want := []received{{0, "0", 1}, {queue.AckDeadline + policy.Min, "0", 2}}
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if got := b.Stats("tasks"); got.Unanswered != 1 || got.Acknowledged != 1 || got.Outstanding != 0 {
		t.Errorf("stats %+v", got)
	}
}

// TestSlots checks that a subscription has one concurrent delivery for each slot, in the order of publication.
func TestSlots(t *testing.T) {
	t.Parallel()
	running, most := 0, 0
	var b *bench
	b = newBench(t, queue.Subscription{Slots: 3}, func(ctx context.Context, _ events.Envelope) (int, error) {
		running++
		most = max(most, running)
		err := b.clock.Sleep(ctx, time.Minute)
		running--
		return http.StatusOK, err
	})
	b.publish(t, 30)
	b.clock.Advance(9 * time.Minute)
	if stats := b.Stats("tasks"); most != 3 || stats.Acknowledged != 27 || stats.Outstanding != 3 {
		t.Errorf("after nine of ten minutes, %d deliveries ran concurrently: %+v", most, stats)
	}
	if n := b.Outstanding(); n != 3 {
		t.Errorf("%d deliveries are outstanding in all subscriptions, but 3 in the only subscription", n)
	}
	b.clock.Run(never)
	if ordered := slices.IsSortedFunc(b.got, func(x, y received) int { return int(x.After - y.After) }); !ordered {
		t.Errorf("deliveries out of order: %v", b.got)
	}
	for i, r := range b.got {
		if r.Text != fmt.Sprint(i) {
			t.Fatalf("delivery %d is of message %s", i, r.Text)
		}
	}
}

// TestMachineFault stops a queue by one delivery, while a second delivery runs and a third waits.
func TestMachineFault(t *testing.T) {
	t.Parallel()
	full := errors.New("folder /x: no space left on device; free space")
	var b *bench
	b = newBench(t, queue.Subscription{Slots: 2}, func(ctx context.Context, e events.Envelope) (int, error) {
		if string(e.Message.Data) == "0" {
			return http.StatusOK, b.clock.Sleep(ctx, time.Hour)
		}
		return events.StatusMachineFault, full
	})
	b.publish(t, 3)
	b.clock.Run(never)
	if err := b.Wait(); !errors.Is(err, full) {
		t.Errorf("stopped by %v", err)
	}
	if got := b.Stats("tasks"); got.Pushed != 2 || got.Outstanding != 3 {
		t.Errorf("stats %+v", got)
	}
	if err := b.Topic(events.TopicTasks).Publish(t.Context(), text(4)); err == nil {
		t.Error("a stopped queue accepts messages")
	}
}

// TestStop stops a queue that has messages in every state.
func TestStop(t *testing.T) {
	t.Parallel()
	var b *bench
	b = newBench(t, queue.Subscription{Slots: 2}, func(ctx context.Context, e events.Envelope) (int, error) {
		if string(e.Message.Data) == "0" {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, b.clock.Sleep(ctx, time.Hour)
	})
	b.publish(t, 5) // one message pauses, two run, and two wait
	b.clock.Advance(time.Second)
	b.stop()
	b.clock.Run(never)
	if err := b.Wait(); err != nil {
		t.Errorf("stopped by %v", err)
	}
	if got := b.Stats("tasks"); got.Pushed != 3 || got.Acknowledged != 0 || got.Outstanding != 5 {
		t.Errorf("stats %+v", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{}, nil)
	push := func(context.Context, events.Envelope) (int, error) { return 200, nil }
	tasks := events.Subscription{Name: "x", Topic: events.TopicTasks}
	for name, s := range map[string]queue.Subscription{
		"no topic":         {Subscription: events.Subscription{Name: "x", Topic: "y"}, Push: push, Slots: 1, Retry: policy},
		"no push":          {Subscription: tasks, Slots: 1, Retry: policy},
		"no slots":         {Subscription: tasks, Push: push, Retry: policy},
		"no pause":         {Subscription: tasks, Push: push, Slots: 1, Retry: queue.Retry{Max: time.Second}},
		"shrinking pauses": {Subscription: tasks, Push: push, Slots: 1, Retry: queue.Retry{Min: 2, Max: 1}},
		"unknown filter": {
			Subscription: events.Subscription{Name: "x", Topic: events.TopicTasks, Filter: `hasPrefix(attributes.task, "s")`},
			Push:         push, Slots: 1, Retry: policy,
		},
	} {
		if err := b.Subscribe(s); err == nil {
			t.Errorf("%s: subscribed", name)
		}
	}
	if _, err := queue.New(t.Context(), queue.Config{}); err == nil {
		t.Error("a queue without a clock and a log was accepted")
	}
	if err := b.Topic("x").Publish(t.Context(), text(1)); err == nil {
		t.Error("a message to an unknown topic was accepted")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Topic(events.TopicTasks).Publish(ended, text(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("published after the context's end: %v", err)
	}
}
