package queuetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local/queue/queuetest"
)

// TestClock alternates timers and sleeping goroutines.
func TestClock(t *testing.T) {
	t.Parallel()
	clock := queuetest.NewClock()
	begin := clock.Now()
	var got []string
	note := func(what string) { got = append(got, clock.Now().Sub(begin).String()+" "+what) }
	clock.AfterFunc(2*time.Hour, func() { note("timer") })
	stop := clock.AfterFunc(time.Hour, func() { note("stopped timer") })
	for _, name := range []string{"a", "b"} {
		clock.Go(func() {
			note(name + " begins")
			if err := clock.Sleep(t.Context(), 2*time.Hour); err != nil {
				t.Error(err)
			}
			note(name + " wakes")
			clock.AfterFunc(0, func() { note("timer of " + name) })
		})
	}
	if !stop() || stop() {
		t.Error("stop does not report exactly once that the timer was pending")
	}
	clock.Advance(2*time.Hour - 1)
	note("just before")
	clock.Run(func() bool { return false })
	want := []string{
		"0s a begins", "0s b begins", "1h59m59.999999999s just before",
		"2h0m0s timer", "2h0m0s a wakes", "2h0m0s b wakes", "2h0m0s timer of a", "2h0m0s timer of b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestSleepEnds ends the contexts of sleeping goroutines. They wake before any other step.
func TestSleepEnds(t *testing.T) {
	t.Parallel()
	clock := queuetest.NewClock()
	begin := clock.Now()
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	var woken []time.Duration
	for range 2 {
		clock.Go(func() {
			if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, over) {
				t.Errorf("woken by %v", err)
			}
			woken = append(woken, clock.Now().Sub(begin))
		})
	}
	clock.AfterFunc(time.Minute, func() { cancel(over) })
	clock.AfterFunc(time.Minute, func() {
		if len(woken) != 2 {
			t.Errorf("%d goroutines woke before the next timer", len(woken))
		}
	})
	clock.Run(func() bool { return false })
	if diff := cmp.Diff([]time.Duration{time.Minute, time.Minute}, woken); diff != "" {
		t.Errorf("woken at (-want +got):\n%s", diff)
	}
}

// TestSleepOfChild lets a goroutine wait for a child goroutine that sleeps.
func TestSleepOfChild(t *testing.T) {
	t.Parallel()
	clock := queuetest.NewClock()
	begin := clock.Now()
	var took time.Duration
	clock.Go(func() {
		for range 100 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := clock.Sleep(t.Context(), time.Minute); err != nil {
					t.Error(err)
				}
			}()
			<-done
		}
		took = clock.Now().Sub(begin)
	})
	clock.Run(func() bool { return false })
	if took != 100*time.Minute {
		t.Errorf("took %s", took)
	}
}
