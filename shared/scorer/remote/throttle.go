package remote

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// A Throttle bounds the concurrent requests of a process to a server, and makes none while the server asks for a pause.
// A process has one for each server. It is safe for concurrent use.
type Throttle struct {
	slots     *semaphore.Weighted
	each      atomic.Int64 // what a request takes of all slots
	notBefore atomic.Int64 // the end of the pause, in nanoseconds since 1970
}

// allSlots can be divided by any number of requests up to a thousand with less than one request's share left over.
const allSlots = 1 << 20

// NewThrottle is a Throttle for at most n concurrent requests.
func NewThrottle(n int) *Throttle {
	t := &Throttle{slots: semaphore.NewWeighted(allSlots)}
	t.Allow(n)
	return t
}

// Allow has at most n concurrent requests from now on, 1 to 1000. Requests that are under way keep what they took.
func (t *Throttle) Allow(n int) { t.each.Store(allSlots / int64(min(max(n, 1), 1000))) }

// Allowed is how many concurrent requests there may be.
func (t *Throttle) Allowed() int { return int(allSlots / t.each.Load()) }

// Do makes a request when a slot is free and the server takes requests. If alone is true, it waits until all slots are
// free, so that the server has no other request of the process. The error is that of request or of ctx. If a LaterError
// asks for a pause, all requests wait. A Retry calls Do once for each attempt, so its pauses keep no slot.
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
