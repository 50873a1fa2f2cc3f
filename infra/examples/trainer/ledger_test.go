package main

import (
	"errors"
	"sync"
	"testing"
	"time"
)

const event = "demo-0123456789ab/0123456789ab"

// TestLedger follows the attempts to start one training: the first fails, the consumer of the second ends, and the
// third succeeds.
func TestLedger(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	l := ledger{bucket: folder(t), lease: time.Minute, now: func() time.Time { return now }}
	begin := func(number int, want error) {
		t.Helper()
		if got, err := l.begin(t.Context(), event); got != number || !errors.Is(err, want) {
			t.Fatalf("attempt %d, error %v; want %d, %v", got, err, number, want)
		}
	}
	end := func(number int, failed error) {
		t.Helper()
		if err := l.end(t.Context(), event, number, failed); err != nil {
			t.Fatal(err)
		}
	}
	begin(1, nil)
	begin(0, errBusy)
	end(1, errors.New("no machine is free"))
	begin(2, nil) // the consumer of this attempt ends
	now = now.Add(59 * time.Second)
	begin(0, errBusy)
	now = now.Add(time.Second)
	begin(3, nil)
	end(3, nil)
	begin(0, errStarted)
	end(2, nil) // the consumer of the second attempt still runs, and records its end: nothing changes
	begin(0, errStarted)
}

// TestLedgerRace lets many consumers begin concurrently: only one of them may start the training.
func TestLedgerRace(t *testing.T) {
	t.Parallel()
	l := ledger{bucket: folder(t), lease: time.Minute, now: time.Now}
	var all sync.WaitGroup
	won := make(chan int, 16)
	for range cap(won) {
		all.Go(func() {
			number, err := l.begin(t.Context(), event)
			if err == nil {
				won <- number
			} else if !errors.Is(err, errBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Errorf("%d consumers may start it", len(won))
	}
}
