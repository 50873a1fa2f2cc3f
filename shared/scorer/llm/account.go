package llm

import (
	"context"
	"sync"
	"time"
)

// settling is the part of a process's time that may go into adding up what its runs have spent: one in so many.
const settling = 50

// An account holds what one run may spend. Within a process the limit is exact, as far as the length of requests
// is estimated well; what other processes spend is seen when the account is settled, at the beginning of every shard.
type account struct {
	memory memory
	run    string
	limit  float64 // in dollars; 0 for none

	settlement sync.Mutex // one at a time

	mu       sync.Mutex
	settled  float64       // spent by all processes when it was last added up
	since    float64       // spent by this process after that; its receipts are written
	reserved float64       // the most that requests in flight can cost
	changed  chan struct{} // closed when a reservation ends
	next     time.Time     // when it may be settled again: a large run has many receipts
}

// settle adds up what the run has spent, by all processes, unless it did so just now.
func (a *account) settle(ctx context.Context) error {
	if a.limit == 0 || a.run == "" {
		return nil
	}
	a.settlement.Lock()
	defer a.settlement.Unlock()
	a.mu.Lock()
	before, sum, early := a.since, a.settled+a.since, time.Now().Before(a.next)
	a.mu.Unlock()
	if sum >= a.limit {
		return a.exhausted(sum)
	}
	if early {
		return nil
	}
	start := time.Now()
	spent, err := a.memory.spent(ctx, a.run)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// What was spent during the listing may or may not be in it: counted twice, until the next time, rather than not at all.
	a.settled, a.since = max(spent, a.settled), a.since-before
	a.next = time.Now().Add(settling * time.Since(start))
	if sum := a.settled + a.since; sum >= a.limit {
		return a.exhausted(sum)
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
			return a.exhausted(spent)
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

func (a *account) exhausted(spent float64) error {
	return stop("the spending limit of $%.2f is reached: $%.4f are spent, and another request may exceed it; raise LLM_MAX_COST",
		a.limit, spent)
}
