package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"
)

func TestPlainLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		done, total int64
		since       time.Duration
		want        string
	}{
		{0, 10, time.Hour, "score   0/10 samples"},
		{10, 10, 100 * time.Millisecond, "score   10/10 samples"},
		{100, 1000, 10 * time.Second, "score   100/1000 samples, 10/s, 1m30s left"},
		{1000, 1000, 10 * time.Second, "score   1000/1000 samples, 100/s"},
	} {
		if got := plainLine("score", tc.done, tc.total, tc.since); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// TestUpdate checks that a stage is announced once it is done, and once only; while its total is unknown it is not.
func TestUpdate(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &display{out: &out, stages: map[string]*stage{}}
	d.update("score", 0, 0)
	for _, done := range []int64{0, 1, 2, 3, 3, 3} {
		d.update("score", done, 3)
	}
	if got, want := out.String(), "score   3/3 samples\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// TestQuiet checks that quiet hides progress and notes, and no warnings.
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

// TestLogEndsWithCommand drops warnings of deliveries that the user's interruption makes fail.
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
