package llm

import (
	"context"
	"sync"
)

// An account holds what one run may spend. Within a process the limit is exact, as far as the length of requests
// is estimated well; what other processes spend is seen when the account is settled, at the beginning of every shard.
type account struct {
	memory memory
	run    string
	limit  float64 // in dollars; 0 for none

	mu       sync.Mutex
	settled  float64       // spent by all processes when it was last added up
	since    float64       // spent by this process after that; its receipts are written
	reserved float64       // the most that requests in flight can cost
	changed  chan struct{} // closed when a reservation ends
}

// settle adds up what the run has spent.
func (a *account) settle(ctx context.Context) error {
	if a.limit == 0 || a.run == "" {
		return nil
	}
	a.mu.Lock()
	before := a.since
	a.mu.Unlock()
	spent, err := a.memory.spent(ctx, a.run)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// What was spent during the listing may or may not be in it: counted twice, until the next time, rather than not at all.
	a.settled, a.since = max(spent, a.settled), a.since-before
	if a.settled+a.since >= a.limit {
		return a.exhausted()
	}
	return nil
}

// reserve waits until a request may be made that costs most at most, and sets that aside.
func (a *account) reserve(ctx context.Context, most float64) error {
	if a.limit == 0 {
		return nil
	}
	for {
		a.mu.Lock()
		spent := a.settled + a.since
		switch {
		case spent+most > a.limit:
			defer a.mu.Unlock()
			return a.exhausted()
		case spent+a.reserved+most <= a.limit:
			a.reserved += most
			a.mu.Unlock()
			return nil
		}
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pay ends a reservation with what was spent of it, once the receipt is written.
func (a *account) pay(reserved, cost float64) {
	if a.limit == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reserved -= reserved
	a.since += cost
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *account) exhausted() error {
	return stop("the spending limit of $%.2f is reached: $%.4f are spent, and another request may exceed it; raise LLM_MAX_COST",
		a.limit, a.settled+a.since)
}
