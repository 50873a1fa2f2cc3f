package queuetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/events"
)

// An Endpoint is a service of Cloud Run with faults. It has fewer slots than the subscription that pushes to it,
// because Pub/Sub delivers more messages than a service can process. Some of its processes are killed.
type Endpoint struct {
	Clock *Clock
	Push  queue.Push // handler of the service
	Slots int        // maximum number of concurrent calls of Push
	// Patience is the time for which a request waits for a slot. Then the answer is 429. On Cloud Run this time is 10 s
	// or more.
	Patience time.Duration

	Kill      float64       // share of calls whose context is cancelled, and whose answer is dropped
	KillAfter time.Duration // maximum time until the kill; if a call returns earlier, its answer is dropped
	Seed      uint64

	mu              sync.Mutex
	random          *rand.Rand // created by the first call
	running         int
	waiting         []*wait
	refused, killed int
}

// A wait is a request without a slot.
type wait struct {
	granted bool
	end     context.CancelFunc
}

var errKilled = errors.New("the process was killed")

// Deliver implements queue.Push.
func (e *Endpoint) Deliver(ctx context.Context, envelope events.Envelope) (int, error) {
	if !e.enter(ctx) {
		return http.StatusTooManyRequests, nil
	}
	defer e.leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	killed, after := e.fate()
	if killed {
		defer e.Clock.AfterFunc(after, func() { cancel(errKilled) })()
	}
	status, err := e.Push(ctx, envelope)
	if killed {
		return 0, errKilled
	}
	return status, err
}

// Counts returns the number of requests that were answered 429, and of calls that were killed.
func (e *Endpoint) Counts() (refused, killed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused, e.killed
}

// enter waits for a slot, at most Patience, and reports whether it got a slot.
func (e *Endpoint) enter(ctx context.Context) bool {
	e.mu.Lock()
	if e.running < e.Slots {
		e.running++
		e.mu.Unlock()
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &wait{end: cancel}
	e.waiting = append(e.waiting, w)
	e.mu.Unlock()
	_ = e.Clock.Sleep(ctx, e.Patience) // w has the result
	e.mu.Lock()
	defer e.mu.Unlock()
	if !w.granted {
		e.refused++
		e.waiting = slices.DeleteFunc(e.waiting, func(other *wait) bool { return other == w })
	}
	return w.granted
}

// leave gives the slot to the request that has waited longest, if a request waits.
func (e *Endpoint) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		e.running--
		return
	}
	first := e.waiting[0]
	e.waiting = e.waiting[1:]
	first.granted = true
	first.end()
}

// fate decides whether a call is killed, and after which time.
func (e *Endpoint) fate() (killed bool, after time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.random == nil {
		e.random = rand.New(rand.NewPCG(e.Seed, 0))
	}
	if e.Kill <= 0 || e.random.Float64() >= e.Kill {
		return false, 0
	}
	e.killed++
	return true, time.Duration(e.random.Float64() * float64(e.KillAfter))
}
