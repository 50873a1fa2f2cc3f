package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/infra/local/queue/queuetest"
	"github.com/harvest-ml/harvest/shared/events"
)

// near reports whether a count is about this share of n, within random variation.
func near(got, n int, share float64) bool {
	expected := share * float64(n)
	return float64(got) > expected/2 && float64(got) < 2*expected
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{Faults: queue.Faults{Duplicate: 0.1}}, nil)
	b.publish(t, 1000)
	b.clock.Run(never)
	stats := b.Stats("tasks")
	if !near(stats.Duplicated, 1000, 0.1) || len(b.got) != 1000+stats.Duplicated || stats.Acknowledged != len(b.got) {
		t.Errorf("%d deliveries: %+v", len(b.got), stats)
	}
	ids := map[string]bool{}
	for text, of := range b.ids {
		if of = slices.Compact(of); len(of) != 1 || ids[of[0]] {
			t.Errorf("message %s has the ids %q", text, of)
		}
		ids[of[0]] = true
	}
	if len(b.ids) != 1000 {
		t.Errorf("%d of 1000 messages arrived", len(b.ids))
	}
}

func TestLoss(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{Faults: queue.Faults{Loss: 0.1}}, nil)
	b.publish(t, 1000)
	b.clock.Run(never)
	stats := b.Stats("tasks")
	if !near(stats.Lost, 1000, 0.1) || len(b.got) != 1000-stats.Lost || stats.Outstanding != 0 {
		t.Errorf("%d deliveries: %+v", len(b.got), stats)
	}
}

// TestLate checks that an acknowledged message is redelivered once, minutes later, with the same id.
func TestLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{Faults: queue.Faults{Late: 1, LateAfter: 5 * time.Minute}}, nil)
	b.publish(t, 100)
	b.clock.Run(never)
	if len(b.got) != 200 || b.Stats("tasks").Late != 100 {
		t.Fatalf("%d deliveries: %+v", len(b.got), b.Stats("tasks"))
	}
	for _, r := range b.got[100:] {
		if r.After < 5*time.Minute || r.After > 10*time.Minute || len(slices.Compact(b.ids[r.Text])) != 1 {
			t.Errorf("late: %+v, ids %q", r, b.ids[r.Text])
		}
	}
}

func TestReordering(t *testing.T) {
	t.Parallel()
	b := newBench(t, queue.Subscription{Faults: queue.Faults{Reorder: true}}, nil)
	b.publish(t, 100)
	b.clock.Run(never)
	var texts []string
	inPlace := 0
	for i, r := range b.got {
		texts = append(texts, r.Text)
		if r.Text == fmt.Sprint(i) {
			inPlace++
		}
	}
	if slices.Sort(texts); len(slices.Compact(texts)) != 100 || inPlace > 10 {
		t.Errorf("%d of 100 messages arrived, %d of them at their place in the order", len(texts), inPlace)
	}
}

// TestEndpoint delivers ten messages concurrently to an endpoint with two slots. Some calls are killed.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	var endpoint queuetest.Endpoint
	b := newBench(t, queue.Subscription{Slots: 10}, endpoint.Deliver)
	running, most, cancelled := 0, 0, 0
	endpoint = queuetest.Endpoint{
		Clock: b.clock, Slots: 2, Patience: 10 * time.Second, Kill: 0.2, KillAfter: 2 * time.Minute, Seed: 1,
		Push: func(ctx context.Context, _ events.Envelope) (int, error) {
			running++
			most = max(most, running)
			err := b.clock.Sleep(ctx, time.Minute)
			running--
			if err != nil {
				cancelled++
			}
			return http.StatusOK, nil
		},
	}
	b.publish(t, 100)
	b.clock.Run(never)
	stats := b.Stats("tasks")
	refused, killed := endpoint.Counts()
	if most != 2 || stats.Acknowledged != 100 || refused+killed+100 != stats.Pushed || len(b.ids) != 100 {
		t.Errorf("%d at a time, %d refused, %d killed: %+v", most, refused, killed, stats)
	}
	if refused < 100 || !near(killed, 120, 0.2) || cancelled == 0 || cancelled == killed {
		t.Errorf("%d refused, %d killed, %d of them cancelled in time", refused, killed, cancelled)
	}
}

// simulate runs n tasks in a service with 4 slots, 246 s for each task. 16 tasks are published first, and one more
// whenever a task is done. It returns the counts of the queue, the number of times that each task was done, and the
// total time.
func simulate(t *testing.T, n int) (queue.Stats, []int, time.Duration) {
	t.Helper()
	clock := queuetest.NewClock()
	begin := clock.Now()
	q, err := queue.New(t.Context(), queue.Config{Clock: clock, Log: slog.New(slog.DiscardHandler), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	done, open, published := make([]int, n), n, 0
	publish := func(ctx context.Context, more int) error {
		for ; more > 0 && published < n; more-- {
			published++
			if err := q.Topic(events.TopicTasks).Publish(ctx, text(published-1)); err != nil {
				return err
			}
		}
		return nil
	}
	endpoint := queuetest.Endpoint{
		Clock: clock, Slots: 4, Patience: 10 * time.Second, Kill: 0.01, KillAfter: 246 * time.Second, Seed: 2,
		Push: func(ctx context.Context, e events.Envelope) (int, error) {
			var task int
			if _, err := fmt.Sscan(string(e.Message.Data), &task); err != nil {
				return 0, err
			}
			if err := clock.Sleep(ctx, 246*time.Second); err != nil {
				return 0, err
			}
			if done[task]++; done[task] > 1 {
				return http.StatusNoContent, nil
			}
			open--
			return http.StatusNoContent, publish(ctx, 1)
		},
	}
	err = q.Subscribe(queue.Subscription{
		Subscription: events.Subscription{Name: "score", Topic: events.TopicTasks}, Push: endpoint.Deliver, Slots: 16,
		Retry:  policy,
		Faults: queue.Faults{Duplicate: 0.01, Late: 0.01, LateAfter: 5 * time.Minute, Reorder: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(t.Context(), 16); err != nil {
		t.Fatal(err)
	}
	clock.Run(func() bool { return open == 0 })
	return q.Stats("score"), done, clock.Now().Sub(begin)
}

// TestSimulation simulates 13,000 tasks in nine days. It runs a smaller simulation twice, with the same result.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const n = 13_000
	began := time.Now()
	stats, done, took := simulate(t, n)
	t.Logf("%s in %s: %+v", took, time.Since(began), stats)
	least := n / 4 * 246 * time.Second
	if took < least || took > least*11/10 || slices.Min(done) == 0 || stats.Expired > 0 {
		t.Errorf("the tasks took %s, but they need %s: %+v", took, least, stats)
	}
	one, _, _ := simulate(t, 500)
	other, _, _ := simulate(t, 500)
	if diff := cmp.Diff(one, other); diff != "" {
		t.Errorf("the same simulation twice (-first +second):\n%s", diff)
	}
}

// TestMany delivers 100,000 messages with this machine's clock.
func TestMany(t *testing.T) {
	t.Parallel()
	const n = 100_000
	ctx, stop := context.WithCancel(t.Context())
	q, err := queue.New(ctx, queue.Config{Clock: queue.SystemClock{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var delivered atomic.Int64
	err = q.Subscribe(queue.Subscription{
		Subscription: events.Subscription{Name: "tasks", Topic: events.TopicTasks}, Slots: 8,
		Retry: queue.Retry{Min: time.Microsecond, Max: time.Millisecond},
		Push: func(_ context.Context, e events.Envelope) (int, error) {
			if e.DeliveryAttempt == 1 && e.Message.Data[0] == '7' {
				return http.StatusServiceUnavailable, nil
			}
			if delivered.Add(1) == n {
				stop()
			}
			return http.StatusOK, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	messages := make([]events.Message, n)
	for i := range messages {
		messages[i] = text(i)
	}
	began := time.Now()
	if err := q.Topic(events.TopicTasks).Publish(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	if err := q.Wait(); err != nil || delivered.Load() != n {
		t.Errorf("%d deliveries: %v", delivered.Load(), err)
	}
	t.Logf("%d messages in %s", n, time.Since(began))
}
