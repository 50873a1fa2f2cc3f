package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestStalledText checks the error of stalled runs. The error has the next command.
func TestStalledText(t *testing.T) {
	t.Parallel()
	shard := run.DeadLetter{Range: 3, Shard: 2, Attempts: 20, Reason: "the service is down"}
	unread := run.DeadLetter{Range: 5, Shard: -1, Attempts: 20, Reason: "it is gone"}
	for name, tt := range map[string]struct {
		status run.Status
		state  string
		says   []string
		never  string
	}{
		"stopped": {run.Status{Stopped: "the key is refused; set LLM_API_KEY"}, "", []string{
			"run demo-1 is stalled: the key is refused; set LLM_API_KEY; then ", "or type `harvest resume demo-1`",
		}, "--give-up"},
		"shards": {run.Status{DeadLetters: []run.DeadLetter{shard}}, "mine", []string{
			"1 shard could not be scored, such as shard 2 of range 3 after 20 attempts: the service is down; fix",
			"`harvest resume --state mine demo-1`", "`harvest resume --state mine demo-1 --give-up` continues",
		}, "shard -1"},
		"ranges": {run.Status{DeadLetters: []run.DeadLetter{shard, unread, unread}}, "", []string{
			"2 ranges could not be read and 1 shard could not be scored, such as range 5 after 20 attempts: it",
		}, "--give-up"},
	} {
		tt.status.Run = "demo-1"
		text := (&stalledError{&subset.RunStatus{Status: tt.status}, tt.state}).Error()
		for _, part := range tt.says {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q does not say %q", name, text, part)
			}
		}
		if strings.Contains(text, tt.never) {
			t.Errorf("%s: %q says %q", name, text, tt.never)
		}
	}
}

// TestStatusOfWaiting checks that the status gives the reason and the duration of a wait for the scorer, and advice.
func TestStatusOfWaiting(t *testing.T) {
	t.Parallel()
	st := runStatus{RunStatus: &subset.RunStatus{Status: run.Status{Run: "demo-1", Waiting: &run.Waiting{
		Since: time.Now().Add(-190 * time.Second), Asked: time.Now(), Reason: "it answered 503", Advice: "Look at its log.",
	}}}}
	var one, all strings.Builder
	cmd := newStatus()
	cmd.SetOut(&all)
	if err := errors.Join(st.print(&one, ""), printStatuses(cmd, []runStatus{st})); err != nil {
		t.Fatal(err)
	}
	want := "waiting for the scorer for 3 min, last request 0 s ago: it answered 503\nLook at its log.\n"
	if !strings.HasSuffix(one.String(), want) ||
		!strings.Contains(all.String(), "waiting for the scorer: it answered 503") {
		t.Errorf("one: %s\nall: %s", &one, &all)
	}
}

// TestRetryHint checks that the advice depends on the reasons of the failed samples. If the model gave no valid answer,
// the records need no fix.
func TestRetryHint(t *testing.T) {
	t.Parallel()
	r := result{Run: "demo-1", Samples: events.Counts{In: 9, Failed: 2}, status: &subset.RunStatus{}}
	for code, want := range map[reason.Code]string{
		"invalid_answer": "`harvest retry demo-1` rates again the samples that the scorer failed to rate, or choose " +
			"another model",
		"no_answer":   "fix the records, then repeat the command",
		"image_empty": "replace the damaged images, then type `harvest retry demo-1`",
	} {
		r.status.Reasons = map[reason.Code]int64{code: 2}
		if got := r.retryHint(); got != "2 of 9 samples failed, and have no scores; "+want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
