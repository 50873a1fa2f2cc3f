package local

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/events"
	"golang.org/x/sync/errgroup"
)

// DefaultRetry returns a policy with shorter pauses than in the cloud, because on one machine overload is rarely the
// cause of a failure.
func DefaultRetry() queue.Retry {
	return queue.Retry{Min: 500 * time.Millisecond, Max: 30 * time.Second}
}

// slots has the maximum number of concurrent deliveries of each subscription; 1 if a subscription is not listed. With
// two shards, one shard is rated while the images of the other are read or its scores are written.
var slots = map[string]int{"ingest-plans": 2, "score": 2, "score-llm": 2, "score-gpu": 2, "curate-parts": 2}

// endpoints has the receivers of a system's messages, with the settings of the delivery.
type endpoints struct {
	retry   queue.Retry
	faults  queue.Faults
	push    func(events.Subscription) queue.Push // delivers the messages of a subscription
	onEvent func(events.Message)                 // called with every event that the functions publish; may be nil
}

// newQueue returns a queue of a group. The queue ends with the group's context, and a fault of this machine ends the
// group.
func newQueue(ctx context.Context, group *errgroup.Group, log *slog.Logger) (*queue.Queue, error) {
	q, err := queue.New(ctx, queue.Config{Clock: queue.SystemClock{}, Log: log})
	if err == nil {
		group.Go(q.Wait)
	}
	return q, err
}

// subscribe connects a queue to the functions and to onEvent.
func subscribe(q *queue.Queue, to endpoints) error {
	for _, sub := range events.Subscriptions() {
		err := q.Subscribe(queue.Subscription{
			Subscription: sub, Push: to.push(sub), Slots: max(slots[sub.Name], 1), Retry: to.retry, Faults: to.faults,
		})
		if err != nil {
			return err
		}
	}
	if to.onEvent == nil {
		return nil
	}
	return q.Subscribe(queue.Subscription{
		Subscription: events.Subscription{Name: "watch", Topic: events.TopicEvents}, Slots: 1, Retry: to.retry,
		Push: func(_ context.Context, e events.Envelope) (int, error) {
			to.onEvent(events.Message{Attributes: e.Message.Attributes, Data: e.Message.Data})
			return http.StatusNoContent, nil
		},
	})
}

// reconcile continues unfinished work, now and at every interval, until ctx ends.
func reconcile(ctx context.Context, q *queue.Queue, every time.Duration) error {
	for {
		err := q.Topic(events.TopicTasks).Publish(ctx, events.ReconcileTask{}.Message())
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}
