// Package queue is Pub/Sub in this process: topics, and subscriptions that push messages until they are acknowledged.
// It can imitate Pub/Sub at its worst (Faults). Its time is a Clock's, so that hours pass in microseconds in tests
// (package queuetest).
//
// Messages that are not acknowledged are in memory, as many as were published, and end with the queue.
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
	// AckDeadline is Pub/Sub's longest. A delivery without an answer is cancelled then and delivered again.
	AckDeadline = 600 * time.Second
	// Retention is Pub/Sub's longest. An older message is dropped.
	Retention = 31 * 24 * time.Hour
)

// A Clock is the time of a queue, and starts its goroutines, so that a clock of tests knows when all of them wait.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f when d has passed, unless stop is called before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
	// Go calls f in a goroutine of its own.
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
	Seed  uint64 // of all chance in Faults
}

// A Queue delivers the messages of its topics. Its methods may be called concurrently.
type Queue struct {
	clock  Clock
	log    *slog.Logger
	ctx    context.Context
	stop   context.CancelFunc
	name   string // in the ids of messages, so that no two queues give the same
	pushes sync.WaitGroup

	mu            sync.Mutex // guards what follows, and the subscriptions
	random        *random.Rand
	published     int
	subscriptions []*subscription
	fault         error
}

var errFault = errors.New("an endpoint reported a fault of this machine, and no more")

// New starts a queue that delivers until ctx ends or an endpoint reports a fault of this machine.
func New(ctx context.Context, c Config) (*Queue, error) {
	if c.Clock == nil || c.Log == nil {
		return nil, errors.New("a queue needs a clock and a log")
	}
	q := &Queue{clock: c.Clock, log: c.Log, name: rand.Text(), random: random.New(random.NewPCG(c.Seed, 0))}
	q.ctx, q.stop = context.WithCancel(ctx)
	return q, nil
}

// Wait waits until the queue has stopped and its last push has returned. Its error is the fault of this machine, if one
// stopped it.
func (q *Queue) Wait() error {
	<-q.ctx.Done()
	q.mu.Lock() // from now on no push begins
	defer q.pushes.Wait()
	defer q.mu.Unlock()
	return q.fault
}

// Subscribe delivers messages that are published to a topic from now on.
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

// Stats are the stats of a subscription, zero if there is none of that name.
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

// Outstanding is how many deliveries wait, run, or pause after a failure, of all subscriptions.
func (q *Queue) Outstanding() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.subscriptions {
		n += s.stats.Outstanding
	}
	return n
}

// Topic publishes to one of the topics of shared/events. Messages must not be changed after they are published.
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
		return fmt.Errorf("publishing to topic %s: there is none of that name", t.key)
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

// publish hands a message to the subscriptions of a topic.
func (q *Queue) publish(topic string, m events.Message) {
	q.published++
	id, at := q.name+"-"+strconv.Itoa(q.published), q.clock.Now()
	for _, s := range q.subscriptions {
		if s.Topic == topic && s.filter.Matches(m.Attributes) {
			s.receive(delivery{id: id, message: m, published: at, pause: s.Retry.Min})
		}
	}
}

// after calls f with the queue's mutex when d has passed, unless the queue has stopped.
func (q *Queue) after(d time.Duration, f func()) (stop func() bool) {
	return q.clock.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.ctx.Err() == nil {
			f()
		}
	})
}

// chance is true for a share of its calls.
func (q *Queue) chance(share float64) bool { return share > 0 && q.random.Float64() < share }
