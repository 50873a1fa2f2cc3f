package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestStageLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		done, total, ahead int64
		since              time.Duration
		want               string
	}{
		{0, 0, 0, time.Hour, "score   0 samples"},
		{0, 10, 0, time.Hour, "score   0 of 10 samples, 0 %"},
		{10, 10, 10, 100 * time.Millisecond, "score   10 samples in 0.1s"},
		{100, 1000, 0, 10 * time.Second, "score   100 of 1,000 samples, 10 %, 10/s, 1m30s left"},
		{100, 1000, 150, 10 * time.Second, "score   150 of 1,000 samples, 15 %, 15/s, 57s left"},
		{100, 120, 150, 10 * time.Second, "score   120 of 120 samples, 100 %, 12/s, 0.0s left"},
		{45_000_000, 45_000_000, 0, 10 * time.Second, "score   45,000,000 samples in 10s, 4,500,000/s"},
	} {
		start := time.Now()
		st := &stage{name: "score", started: start, total: tt.total, ahead: func() int64 { return tt.ahead }}
		st.recent = []point{{at: start}}
		st.done, st.complete = tt.done, tt.total > 0 && tt.done >= tt.total
		if got := st.line(start.Add(tt.since)); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestDraw checks that a terminal of any width shows one line of progress, and lines of the log above it.
func TestDraw(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &display{out: &out, width: func() int { return 20 }, stages: map[string]*stage{}}
	d.update("score", 100_000, 1_000_000)
	d.draw(time.Now())
	fmt.Fprintln(d, "waiting")
	d.update("score", 1_000_000, 1_000_000)
	lines := strings.Split(out.String(), "\n")
	const drawn, erase = "score   100,000 of 1", "\r\x1b[K"
	if want := erase + drawn[:19] + erase + "waiting"; lines[0] != want {
		t.Errorf("drew %q, want %q", lines[0], want)
	}
	if last := lines[1]; !strings.HasPrefix(last, erase+drawn[:19]+erase+"score   1,000,000 samples in 0.0s") {
		t.Errorf("ended with %q", last)
	}
}

// TestUpdate checks that a stage is printed as done only once, and not while its total is unknown.
func TestUpdate(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &display{out: &out, stages: map[string]*stage{}}
	d.update("score", 0, 0)
	for _, done := range []int64{0, 1, 2, 3, 3, 3} {
		d.update("score", done, 3)
	}
	if got, want := out.String(), "score   3 samples in 0.0s\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// TestQuiet checks that quiet hides progress and notes, but no warnings.
func TestQuiet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &display{out: &out, stages: map[string]*stage{}, quiet: true}
	d.update("score", 3, 3)
	fmt.Fprintln(d.notes(), "an estimate")
	userLog(t.Context(), d).Warn("waiting for the scorer")
	if got, want := out.String(), "level=WARN msg=\"waiting for the scorer\"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// TestLogEndsWithCommand checks that no warnings are logged for deliveries that fail because the user interrupted the
// command.
func TestLogEndsWithCommand(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	log := userLog(ctx, &out).With("message_id", 1).WithGroup("delivery")
	log.Warn("before")
	interrupt()
	log.Warn("after", "error", ctx.Err())
	if want := "level=WARN msg=before message_id=1\n"; out.String() != want {
		t.Errorf("logged %q, want %q", out.String(), want)
	}
}
