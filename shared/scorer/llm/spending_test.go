package llm

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A run stops at its spending limit, without a failed sample and without an unnecessary request. When the limit is
// raised, the run continues.
func TestSpendingLimit(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	work := folder(t)
	c := config(f)
	c.MaxTokens = 200 // so that the highest cost of a request is near its cost
	c.MaxCost = 0.01
	items := samples(30)
	_, err := billed(t, open(t, c, Options{Work: work}), "a-1").Rate(t.Context(), items)
	stopped, ok := errors.AsType[*scorer.StopError](err)
	if !ok || !strings.Contains(stopped.Reason, "spending limit of $0.01 is reached") {
		t.Fatalf("error %v", err)
	}
	spent := checkSpent(t, answerStore{work}, "a-1", len(f.requests()))
	if spent > c.MaxCost || spent < 0.005 {
		t.Errorf("$%.4f are spent of a limit of $%.2f", spent, c.MaxCost)
	}
	// Another process reads the spending, and makes no request. Another run has its own limit.
	before := len(f.requests())
	again, err := open(t, c, Options{Work: work}).ForRun(t.Context(), "a-1")
	if err == nil {
		_, err = again.Rate(t.Context(), items)
	}
	if _, ok := errors.AsType[*scorer.StopError](err); !ok || len(f.requests()) > before+2 {
		t.Errorf("error %v after %d more requests", err, len(f.requests())-before)
	}
	c.MaxCost = 1
	rated(t, billed(t, open(t, c, Options{Work: work}), "a-1"), items...)
	if n := len(f.requests()); n != len(items) {
		t.Errorf("%d requests for %d samples", n, len(items))
	}
	checkSpent(t, answerStore{work}, "a-1", len(items))
}

// checkSpent compares the spending of a run with the cost of the answered requests.
func checkSpent(t *testing.T, s answerStore, run string, requests int) float64 {
	t.Helper()
	spent, err := Spent(t.Context(), s.work, run)
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(requests) * answerDollars; math.Abs(spent-want) > 1e-9 {
		t.Errorf("$%.4f are spent, but %d requests cost $%.4f", spent, requests, want)
	}
	return spent
}

// The cost of a first answer counts, even if the second request fails.
func TestReceiptWithoutAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		if len(a.Messages) == 4 {
			return said{status: 401}
		}
		return said{text: "no JSON"}
	})
	work := folder(t)
	if _, err := billed(t, open(t, config(f), Options{Work: work}), "a-1").Rate(t.Context(), samples(1)); err == nil {
		t.Error("no error")
	}
	checkSpent(t, answerStore{work}, "a-1", 1)
	if kept := objects(t, work, "answers/"); len(kept) != 2 {
		t.Errorf("stored objects: %q, want only a reservation and its receipt", kept)
	}
}

// An answer that was lost is paid for again, and counted twice, although the costs are equal.
func TestReceiptsOfLostAnswers(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		if len(a.Messages) == 4 {
			return said{status: 401}
		}
		return said{text: "no JSON"}
	})
	work := folder(t)
	for range 3 {
		if _, err := billed(t, open(t, config(f), Options{Work: work}), "a-1").Rate(t.Context(), samples(1)); err == nil {
			t.Error("no error")
		}
	}
	checkSpent(t, answerStore{work}, "a-1", 3)
}

// Reservations of requests in flight never exceed the limit. When a request ends, a waiting request continues.
func TestReservations(t *testing.T) {
	t.Parallel()
	s := newSpending(answerStore{}, "", 10)
	var group sync.WaitGroup
	var inFlight, paid, refused atomic.Int32
	for range 40 {
		group.Go(func() {
			if err := s.reserve(t.Context(), 3); err != nil {
				refused.Add(1)
				return
			}
			if n := inFlight.Add(1); n > 3 {
				t.Errorf("%d requests are in flight, which may cost 3 of 10 each", n)
			}
			runtime.Gosched()
			inFlight.Add(-1)
			paid.Add(1)
			s.release(newPayment("x"), 3, 1)
		})
	}
	group.Wait()
	if paid.Load() != 8 || refused.Load() != 32 {
		t.Errorf("%d requests are paid, %d refused; want 8 paid, because a ninth might cost 3, and 2 are left",
			paid.Load(), refused.Load())
	}
}

// A request whose process was killed counts with its highest cost, because it may have been paid for.
func TestKilledRequestCounts(t *testing.T) {
	t.Parallel()
	work := folder(t)
	var sent, reservedBefore atomic.Int32
	f := newFake(t, func(a asked) said {
		sent.Add(1)
		for range objects(t, work, "answers/reserved/") {
			reservedBefore.Add(1)
		}
		return validly(a)
	})
	rated(t, billed(t, open(t, config(f), Options{Work: work}), "a-1"), samples(1)...)
	if sent.Load() != 1 || reservedBefore.Load() != 1 {
		t.Errorf("%d requests, but %d reservations were written before", sent.Load(), reservedBefore.Load())
	}
	paid := checkSpent(t, answerStore{work}, "a-1", 1)
	const most = 0.25
	if err := (answerStore{work}).reserve(t.Context(), "a-1", newPayment("killed"), most); err != nil {
		t.Fatal(err)
	}
	if spent, err := Spent(t.Context(), work, "a-1"); err != nil || math.Abs(spent-paid-most) > 1e-9 {
		t.Errorf("$%.4f are spent, want $%.4f plus the highest cost of the killed request: %v", spent, paid, err)
	}
	c := config(f)
	c.MaxCost = most
	if _, err := open(t, c, Options{Work: work}).ForRun(t.Context(), "a-1"); err == nil {
		t.Error("the run continues, although the reservation of a killed process reaches the limit")
	}
}
