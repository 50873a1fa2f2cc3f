// Package queuetest imitates the environment of a queue in tests and simulations: its time, and endpoints with faults.
//
// A simulation of days takes seconds:
//
//	clock := queuetest.NewClock()
//	q, err := queue.New(t.Context(), queue.Config{Clock: clock, Log: log, Seed: 1})
//	push := func(ctx context.Context, e events.Envelope) (int, error) {
//		if err := clock.Sleep(ctx, 246*time.Second); err != nil { // the time of the work
//			return 0, err
//		}
//		return handle(ctx, e) // the real function, in no time
//	}
//	endpoint := queuetest.Endpoint{Clock: clock, Slots: 4, Push: push}
//	err = q.Subscribe(queue.Subscription{..., Push: endpoint.Deliver, Slots: 16})
//	err = q.Topic(events.TopicTasks).Publish(ctx, tasks...)
//	clock.Run(func() bool { return false }) // until nothing is left to do
package queuetest

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"
)

// A Clock is a queue.Clock whose time passes only in Run and Advance, as fast as the machine can. Both make one step
// after another. A step starts or wakes one goroutine and waits until it ends or sleeps, or calls one function that is
// due. The order of steps depends only on the test, so a simulation with the same seeds gives the same results each
// time.
//
// A function that Go starts may start other goroutines, but only one of them may Sleep at a time. No goroutine may wait
// for a later step, such as for a mutex that another sleeping goroutine holds: Run would never return.
//
// Deadlines of package context use this machine's time. To stop a queue, end its context and call Run once more, so
// that its sleeping goroutines can return.
type Clock struct {
	mu       sync.Mutex
	settled  sync.Cond // signals that busy is 0
	now      time.Time
	busy     int // number of goroutines that have not ended and do not sleep
	ready    []func()
	timers   timers
	timed    int // number of timers so far
	sleepers []*sleeper
}

// NewClock returns a clock that shows the beginning of the year 2000.
func NewClock() *Clock {
	c := &Clock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.settled.L = &c.mu
	return c
}

// Now implements queue.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements queue.Clock.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.afterFunc(d, f)
}

func (c *Clock) afterFunc(d time.Duration, f func()) (stop func() bool) {
	c.timed++
	t := &timer{at: c.now.Add(max(d, 0)), number: c.timed, f: f}
	heap.Push(&c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		pending := t.f != nil
		t.f = nil
		return pending
	}
}

// Go implements queue.Clock: f runs in a later step.
func (c *Clock) Go(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, func() {
		c.busy++
		go func() {
			defer c.idle()
			f()
		}()
	})
}

// idle counts a goroutine as ended or sleeping.
func (c *Clock) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	c.settled.Broadcast()
}

// A sleeper is a goroutine in Sleep.
type sleeper struct {
	ctx  context.Context
	wake chan struct{}
	stop func() bool
}

// Sleep waits until d has passed. Only a goroutine that Go started, directly or through another goroutine, may call it.
// If ctx ends earlier, Sleep returns its cause.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	s := &sleeper{ctx: ctx, wake: make(chan struct{})}
	c.mu.Lock()
	s.stop = c.afterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.wake(s)
	})
	c.sleepers = append(c.sleepers, s)
	c.mu.Unlock()
	c.idle()
	<-s.wake
	return context.Cause(ctx)
}

func (c *Clock) wake(s *sleeper) {
	c.sleepers = slices.DeleteFunc(c.sleepers, func(other *sleeper) bool { return other == s })
	c.busy++
	close(s.wake)
}

// Run lets time pass until done returns true, or nothing is left to do.
func (c *Clock) Run(done func() bool) {
	for !done() && c.step(time.Time{}) {
	}
}

// Advance lets d pass.
func (c *Clock) Advance(d time.Duration) {
	end := c.Now().Add(d)
	for c.step(end) {
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = end
}

// step takes the next step that is due until end, and waits until all goroutines have ended or sleep. It returns false
// if no step is due. If end is zero, every step is due.
func (c *Clock) step(end time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.busy > 0 {
		c.settled.Wait()
	}
	cancelled := slices.IndexFunc(c.sleepers, func(s *sleeper) bool { return s.ctx.Err() != nil })
	switch {
	case cancelled >= 0:
		s := c.sleepers[cancelled]
		c.mu.Unlock()
		s.stop()
		c.mu.Lock()
		c.wake(s)
	case len(c.ready) > 0:
		start := c.ready[0]
		c.ready = c.ready[1:]
		start()
	case len(c.timers) > 0 && (end.IsZero() || !c.timers[0].at.After(end)):
		t := heap.Pop(&c.timers).(*timer)
		f := t.f
		t.f = nil
		if f == nil {
			return true // stopped
		}
		c.now = t.at
		c.mu.Unlock()
		f()
		c.mu.Lock()
	default:
		return false
	}
	for c.busy > 0 {
		c.settled.Wait()
	}
	return true
}

// A timer has its function until the function is called or the timer is stopped. If two timers have the same time, the
// older timer comes first.
type timer struct {
	at     time.Time
	number int
	f      func()
}

type timers []*timer

func (t timers) Len() int { return len(t) }

func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].number < t[j].number
}

func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

func (t *timers) Push(x any) { *t = append(*t, x.(*timer)) }

func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return last
}
