package llm

import (
	"context"
	"maps"
	"sync"
	"time"
)

// refreshShare limits the time for summing the spending of runs to 1/refreshShare of the process's time.
const refreshShare = 50

// A spending has the amount that one run has spent, and its limit. Within a process, the limit is exact if the
// estimated length of requests is correct. refresh adds the spending of other processes, at the start of every shard.
type spending struct {
	store answerStore
	run   string
	limit float64 // in dollars; 0 for no limit

	refreshing sync.Mutex // held during a refresh, so that only one runs

	mu          sync.Mutex
	total       float64          // spending of all processes at the last refresh
	since       float64          // spending of this process since that refresh, for which receipts are written
	reserved    float64          // sum of the highest possible costs of the requests in flight
	live        map[payment]bool // payments of the requests in flight
	released    chan struct{}    // closed when a reservation ends
	nextRefresh time.Time        // time before which no refresh is made: a large run has many receipts
}

func newSpending(store answerStore, run string, limit float64) *spending {
	return &spending{store: store, run: run, limit: limit, released: make(chan struct{}), live: map[payment]bool{}}
}

// refresh sums the run's spending by all processes, unless the last refresh is recent. The error is a *scorer.StopError
// if the limit is reached.
func (s *spending) refresh(ctx context.Context) error {
	if s.limit == 0 || s.run == "" {
		return nil
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.mu.Lock()
	before, sum, early := s.since, s.total+s.since, time.Now().Before(s.nextRefresh)
	var live map[payment]bool // left out of the sum: reserved contains them, and since contains them after they end
	if sum < s.limit && !early {
		live = maps.Clone(s.live)
	}
	s.mu.Unlock()
	if sum >= s.limit {
		return s.exhausted(sum)
	}
	if early {
		return nil
	}
	start := time.Now()
	spent, err := s.store.spent(ctx, s.run, func(p payment) bool { return live[p] || s.isLive(p) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The listing may or may not contain an amount that is spent during the listing. The amount also stays in since. So
	// it may be counted twice until the next refresh, but it is never left out.
	s.total, s.since = spent, s.since-before
	s.nextRefresh = time.Now().Add(refreshShare * time.Since(start))
	if sum := s.total + s.since; sum >= s.limit {
		return s.exhausted(sum)
	}
	return nil
}

// reserve waits until requests of at most this cost are within the limit, and reserves the amount.
func (s *spending) reserve(ctx context.Context, dollars float64) error {
	if s.limit == 0 {
		return nil
	}
	for {
		s.mu.Lock()
		spent := s.total + s.since
		switch {
		case spent+dollars > s.limit:
			defer s.mu.Unlock()
			return s.exhausted(spent)
		case spent+s.reserved+dollars <= s.limit:
			s.reserved += dollars
			s.mu.Unlock()
			return nil
		}
		released := s.released
		s.mu.Unlock()
		select {
		case <-released:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// paid calls the function do, within the spending limit. The requests of do cost at most reserved dollars. do returns
// the actual cost, and paid records it. hash is the hash of the prompt.
func (e *Endpoint) paid(
	ctx context.Context, s *spending, hash string, reserved float64, do func(payment) (spent float64, err error),
) (err error) {
	if err := s.reserve(ctx, reserved); err != nil {
		return err
	}
	spent := 0.0
	pay := newPayment(hash)
	defer func() { s.release(pay, reserved, spent) }()
	s.begin(pay)
	// The reservation is stored before the request is sent. If the process is killed, the amount counts as spent.
	if err := e.store.reserve(ctx, s.run, pay, reserved); err != nil {
		return err
	}
	spent, err = do(pay)
	return err
}

// begin marks a payment as in flight, before its reservation is stored.
func (s *spending) begin(p payment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[p] = true
}

func (s *spending) isLive(p payment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[p]
}

// release ends a reservation, after the receipt is written. spent is the actual cost.
func (s *spending) release(p payment, reserved, spent float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, p)
	if s.limit == 0 {
		return
	}
	s.reserved -= reserved
	s.since += spent
	close(s.released)
	s.released = make(chan struct{})
}

func (s *spending) exhausted(spent float64) error {
	return stopError("the spending limit of $%.2f is reached: $%.4f are spent, and another request may exceed the limit; "+
		"raise LLM_MAX_COST", s.limit, spent)
}
