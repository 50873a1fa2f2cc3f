// Package queue imitates Pub/Sub in this process: it has topics, and subscriptions that push messages until they are
// acknowledged. It can also imitate the faults of Pub/Sub (Faults). Its time comes from a Clock. In tests, hours pass
// in microseconds (package queuetest).
//
// All messages that are not acknowledged are in memory, without a limit. They are lost when the queue ends.
package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	random "math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
)

const (
	// AckDeadline is the longest deadline of Pub/Sub. A delivery without an answer is then cancelled, and the message is
	// redelivered.
	AckDeadline = 600 * time.Second
	// Retention is the longest retention of Pub/Sub. An older message is dropped.
	Retention = 31 * 24 * time.Hour
)

// A Clock gives a queue its time and starts its goroutines, so that the clock of a test knows when all goroutines wait.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f when d has passed, unless stop is called before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
	// Go calls f in a new goroutine.
	Go(f func())
}

// SystemClock is this machine's clock.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc implements Clock.
func (SystemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// Go implements Clock.
func (SystemClock) Go(f func()) { go f() }

// Config is the configuration of a queue.
type Config struct {
	Clock Clock
	Log   *slog.Logger
	Seed  uint64 // random seed of the faults
}

// A Queue delivers the messages of its topics. Its methods may be called concurrently.
type Queue struct {
	clock  Clock
	log    *slog.Logger
	ctx    context.Context
	stop   context.CancelFunc
	name   string // part of the ids of messages, so that ids of two queues differ
	pushes sync.WaitGroup

	mu            sync.Mutex // guards the fields below, and the subscriptions
	random        *random.Rand
	published     int
	subscriptions []*subscription
	fault         error
}

var errFault = errors.New("an endpoint reported a fault of this machine, without a text")

// New starts a queue that delivers until ctx ends or an endpoint reports a fault of this machine.
func New(ctx context.Context, c Config) (*Queue, error) {
	if c.Clock == nil || c.Log == nil {
		return nil, errors.New("a queue needs a clock and a log")
	}
	q := &Queue{clock: c.Clock, log: c.Log, name: rand.Text(), random: random.New(random.NewPCG(c.Seed, 0))}
	q.ctx, q.stop = context.WithCancel(ctx)
	return q, nil
}

// Wait waits until the queue has stopped and its last push has returned. It returns the fault of this machine that
// stopped the queue; nil if there was none.
func (q *Queue) Wait() error {
	<-q.ctx.Done()
	q.mu.Lock() // from now on no push begins
	defer q.pushes.Wait()
	defer q.mu.Unlock()
	return q.fault
}

// Subscribe adds a subscription. It receives the messages that are published to its topic after this call.
func (q *Queue) Subscribe(s Subscription) error {
	filter, err := events.ParseFilter(s.Filter)
	if err = errors.Join(err, s.validate()); err != nil {
		return fmt.Errorf("subscription %s to topic %s: %w", s.Name, s.Topic, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.subscriptions = append(q.subscriptions, &subscription{Subscription: s, queue: q, filter: filter})
	return nil
}

// Stats returns the stats of a subscription; zero if no subscription has this name.
func (q *Queue) Stats(subscription string) Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.subscriptions {
		if s.Name == subscription {
			return s.stats
		}
	}
	return Stats{}
}

// Outstanding returns the number of deliveries, of all subscriptions, that wait, run, or pause after a failure.
func (q *Queue) Outstanding() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.subscriptions {
		n += s.stats.Outstanding
	}
	return n
}

// Topic returns a publisher to one of the topics of shared/events. Messages must not be changed after they are
// published.
func (q *Queue) Topic(key string) events.Publisher { return topic{q, key} }

type topic struct {
	queue *Queue
	key   string
}

// Publish implements events.Publisher.
func (t topic) Publish(ctx context.Context, messages ...events.Message) error {
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !slices.Contains(events.Topics(), t.key):
		return fmt.Errorf("publishing to topic %s: no topic has this name", t.key)
	case q.ctx.Err() != nil:
		return fmt.Errorf("publishing to topic %s: the queue has stopped", t.key)
	case ctx.Err() != nil:
		return fmt.Errorf("publishing to topic %s: %w", t.key, context.Cause(ctx))
	}
	for _, m := range messages {
		q.publish(t.key, m.Traced(ctx))
	}
	return nil
}

// publish adds a message to the subscriptions of a topic.
func (q *Queue) publish(topic string, m events.Message) {
	q.published++
	id, at := q.name+"-"+strconv.Itoa(q.published), q.clock.Now()
	for _, s := range q.subscriptions {
		if s.Topic == topic && s.filter.Matches(m.Attributes) {
			s.receive(delivery{id: id, message: m, published: at, pause: s.Retry.Min})
		}
	}
}

// after calls f when d has passed, with the queue's mutex locked, unless the queue has stopped.
func (q *Queue) after(d time.Duration, f func()) (stop func() bool) {
	return q.clock.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.ctx.Err() == nil {
			f()
		}
	})
}

// chance returns true with this probability.
func (q *Queue) chance(probability float64) bool {
	return probability > 0 && q.random.Float64() < probability
}
