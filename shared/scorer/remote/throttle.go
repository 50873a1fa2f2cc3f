package remote

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// A Throttle limits the concurrent requests of a process to a server. During a pause that the server requested, it
// sends no request. A process has one Throttle for each server. A Throttle is safe for concurrent use.
type Throttle struct {
	slots     *semaphore.Weighted
	each      atomic.Int64 // number of slots that a request takes
	notBefore atomic.Int64 // the end of the pause, in nanoseconds since 1970
}

// allSlots is so large that, divided among up to a thousand requests, less than the share of one request is left.
const allSlots = 1 << 20

// NewThrottle returns a Throttle for at most n concurrent requests.
func NewThrottle(n int) *Throttle {
	t := &Throttle{slots: semaphore.NewWeighted(allSlots)}
	t.Allow(n)
	return t
}

// Allow sets the number of concurrent requests, 1 to 1000. Requests in flight keep their slots.
func (t *Throttle) Allow(n int) { t.each.Store(allSlots / int64(min(max(n, 1), 1000))) }

// Allowed returns the number of concurrent requests.
func (t *Throttle) Allowed() int { return int(allSlots / t.each.Load()) }

// Do makes a request when a slot is free and the server accepts requests. If alone is true, it waits until all slots
// are free, so that the server has no other request of the process. The error comes from request or from ctx. If a
// LaterError has a pause, all requests wait. A Retry calls Do once for each attempt, so no slot is occupied during a
// pause of the Retry.
func (t *Throttle) Do(ctx context.Context, alone bool, request func() error) error {
	slots := t.each.Load()
	if alone {
		slots = allSlots
	}
	if err := t.slots.Acquire(ctx, slots); err != nil {
		return fmt.Errorf("waiting for a slot: %w", err)
	}
	defer t.slots.Release(slots)
	if err := sleep(ctx, time.Until(time.Unix(0, t.notBefore.Load()))); err != nil {
		return fmt.Errorf("waiting for the server: %w", err)
	}
	err := request()
	if later, ok := errors.AsType[LaterError](err); ok && later.After > 0 {
		t.pause(later.After)
	}
	return err
}

func (t *Throttle) pause(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		now := t.notBefore.Load()
		if now >= until || t.notBefore.CompareAndSwap(now, until) {
			return
		}
	}
}
