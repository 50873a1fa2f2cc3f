package local

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"golang.org/x/sync/semaphore"
)

// endpoint is a push endpoint that answers with statuses in turn, the last one for ever, and keeps what it was sent.
type endpoint struct {
	statuses []int

	mu        sync.Mutex
	envelopes []events.Envelope
	at        []time.Time
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var env events.Envelope
	if err := json.NewDecoder(r.Body).Decode(&env); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.envelopes, e.at = append(e.envelopes, env), append(e.at, time.Now())
	w.WriteHeader(e.statuses[min(len(e.envelopes), len(e.statuses))-1])
}

// topic keeps what is published to it.
type topic struct{ messages []events.Message }

func (t *topic) Publish(_ context.Context, messages ...events.Message) error {
	t.messages = append(t.messages, messages...)
	return nil
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	const attempts = 4
	buried := []events.Message{{
		Attributes: map[string]string{
			events.AttrTask: events.TaskShard, events.AttrDeadCount: "4", "CloudPubSubDeadLetterSourceSubscription": "score",
		},
		Data: []byte("data"),
	}}
	for _, tc := range []struct {
		name     string
		topic    string
		statuses []int
		attempts []int
		dead     []events.Message
	}{
		{name: "at once", topic: events.TopicTasks, statuses: []int{204}, attempts: []int{1}},
		{name: "after a while", topic: events.TopicTasks, statuses: []int{503, 429, 500, 204}, attempts: []int{1, 2, 3, 4}},
		{name: "never", topic: events.TopicTasks, statuses: []int{503}, attempts: []int{1, 2, 3, 4}, dead: buried},
		{name: "never a dead letter", topic: events.TopicDead, statuses: []int{503}, attempts: []int{1, 2, 3, 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			to, dead := &endpoint{statuses: tc.statuses}, &topic{}
			server := httptest.NewServer(to)
			defer server.Close()
			r := relay{
				dead: dead, log: slog.New(slog.DiscardHandler),
				retry: Retry{Min: 2 * time.Millisecond, Max: 4 * time.Millisecond, Attempts: attempts},
			}
			message := &pubsub.Message{
				ID: "7", Data: []byte("data"), Attributes: map[string]string{events.AttrTask: events.TaskShard},
			}
			sub := events.Subscription{Name: "score", Topic: tc.topic}
			done, err := r.deliver(t.Context(), semaphore.NewWeighted(1), server.Client(), sub, server.URL, message)
			if !done || err != nil {
				t.Errorf("the message is to be delivered again (%v), and should be done with", err)
			}
			var got []int
			for _, e := range to.envelopes {
				got = append(got, e.DeliveryAttempt)
				if e.Message.MessageID != "7" || string(e.Message.Data) != "data" ||
					e.Message.Attributes[events.AttrTask] != events.TaskShard {
					t.Errorf("delivered %+v", e)
				}
			}
			if diff := cmp.Diff(tc.attempts, got); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.dead, dead.messages); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
			for i := 1; i < len(to.at); i++ {
				if pause, least := to.at[i].Sub(to.at[i-1]), min(r.retry.Min<<(i-1), r.retry.Max); pause < least {
					t.Errorf("attempt %d came after %s, before the %s of the policy", i+1, pause, least)
				}
			}
		})
	}
}

// TestDeliverUntilStopped checks that a message whose delivery is cut off by the end of the process is not
// acknowledged.
func TestDeliverUntilStopped(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&endpoint{statuses: []int{503}})
	defer server.Close()
	r := relay{retry: Retry{Min: time.Millisecond, Max: time.Hour, Attempts: 1000}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	tasks := events.Subscription{Topic: events.TopicTasks}
	done, err := r.deliver(ctx, semaphore.NewWeighted(1), server.Client(), tasks, server.URL, &pubsub.Message{})
	if done || err != nil {
		t.Errorf("the message is acknowledged: %v, %v", done, err)
	}
}

// TestMachineFault checks that a fault of the machine ends deliveries with what the function said.
func TestMachineFault(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "folder /x: no space left on device; free space", events.StatusMachineFault)
	}))
	defer server.Close()
	r := relay{retry: Retry{Min: time.Hour, Max: time.Hour, Attempts: 100}}
	tasks := events.Subscription{Topic: events.TopicTasks}
	done, err := r.deliver(t.Context(), semaphore.NewWeighted(1), server.Client(), tasks, server.URL, &pubsub.Message{})
	if done || !isMachineFault(err) || err.Error() != "folder /x: no space left on device; free space" {
		t.Errorf("delivered: %v, %v", done, err)
	}
}

// TestConcurrency checks that only subscriptions that exist have a concurrency of their own.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for name := range concurrency {
		if !slices.ContainsFunc(events.Subscriptions(), func(s events.Subscription) bool { return s.Name == name }) {
			t.Errorf("there is no subscription %s", name)
		}
	}
}
