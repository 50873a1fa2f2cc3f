package score_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/internal/pushtest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// newScore makes a world with a run of 5 samples that is cut, and its id and shard tasks.
func newScore(t *testing.T) (w *pushtest.World, h http.Handler, id string, shards []events.Message) {
	t.Helper()
	w = pushtest.New(t)
	w.Upload("datasets/sky/all.jsonl", pushtest.Records(5))
	plan, err := w.Store.Start(t.Context(), run.Spec{Dataset: "sky", Manifests: []string{"all.jsonl"}}, w.Limits)
	if err != nil {
		t.Fatal(err)
	}
	cut := ingest.New(ingest.Config{Limits: w.Limits}, w.Store, w.Log)
	for _, m := range w.Tasks.Take() {
		if status := pushtest.Push(t, cut, "/", m); status != http.StatusNoContent {
			t.Fatalf("cutting was answered %d", status)
		}
	}
	return w, score.New(w.Store, w.Log), plan.Run, w.Tasks.Take()
}

func TestShardsAreScored(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	for _, m := range append(shards, shards...) { // each twice, as Pub/Sub may
		if status := pushtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Fatalf("answered %d, want 204", status)
		}
	}
	status := w.Status(id)
	if diff := cmp.Diff(events.Counts{In: 5, Scored: 5}, status.Samples); status.State != run.StateScored || diff != "" {
		t.Errorf("the run is %s, with samples (-want +got):\n%s", status.State, diff)
	}
	published := w.Events.Take()
	if len(published) != 1 || published[0].Attributes["ce-type"] != events.RunScored || published[0].Attributes["ce-id"] != id {
		t.Errorf("events %v, want one that run %s is scored", published, id)
	}
	if logged := w.Errors(); logged != nil {
		t.Errorf("logged errors: %v", logged)
	}
}

func TestWorldFailsAndRecovers(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	w.Events.Fail = errors.New("Pub/Sub is away")
	for i, m := range shards {
		want := http.StatusNoContent
		if i == len(shards)-1 {
			want = http.StatusServiceUnavailable // its Advance has an event to publish
		}
		if status := pushtest.Push(t, h, "/", m); status != want {
			t.Errorf("shard %d: answered %d, want %d", i, status, want)
		}
	}
	w.Events.Fail = nil
	if status := pushtest.Push(t, h, "/", shards[len(shards)-1]); status != http.StatusNoContent {
		t.Errorf("answered %d, want 204", status)
	}
	if published := w.Events.Take(); len(published) != 1 || published[0].Attributes["ce-id"] != id {
		t.Errorf("events %v, want one of run %s", published, id)
	}
}

// A scorer that must stop leaves the run stalled, and a line that the alert counts says why, for each shard.
func TestStopIsLogged(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	open := w.Store.OpenScorer
	w.Store.OpenScorer = func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
		s, err := open(ctx, kind, r)
		return stopping{s}, err
	}
	for _, m := range shards {
		if status := pushtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("answered %d, want 204", status)
		}
	}
	if status := w.Status(id); status.State != run.StateStalled {
		t.Errorf("the run is %s, want it stalled", status.State)
	}
	logged := w.Errors()
	if len(logged) != len(shards) {
		t.Errorf("%d errors are logged of %d shards: %q", len(logged), len(shards), logged)
	}
	for _, line := range logged {
		if !strings.Contains(line, "task given up") || !strings.Contains(line, id) || !strings.Contains(line, "the key is refused") {
			t.Errorf("logged %s", line)
		}
	}
}

// stopping is a scorer that cannot go on.
type stopping struct{ scorer.Scorer }

func (stopping) Rate(context.Context, []scorer.Item) ([]scorer.Result, error) {
	return nil, &scorer.StopError{Reason: "the key is refused"}
}

func TestCancelledRunIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	if err := w.Store.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, m := range shards {
		if status := pushtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("answered %d, want 204", status)
		}
	}
	if status := w.Status(id); status.State != run.StateCancelled || status.Progress.ShardsScored != 0 {
		t.Errorf("the run is %s with %d shards scored, want it cancelled with none", status.State, status.Progress.ShardsScored)
	}
}

func TestWrongMessagesAreAcknowledged(t *testing.T) {
	t.Parallel()
	w, h, id, _ := newScore(t)
	garbage := events.ShardTask{Run: id}.Message(kinds.Embedded)
	garbage.Data = []byte("{")
	for i, m := range []events.Message{
		{},
		garbage,
		events.RangeTask{Run: id}.Message(),
		events.ShardTask{Run: "sky-000000000000"}.Message(kinds.Embedded),
		events.ShardTask{Run: id, Range: 99}.Message(kinds.Embedded),
		events.ShardTask{Run: id, Range: -1}.Message(kinds.Embedded),
		events.ShardTask{Run: id, Shard: 99}.Message(kinds.Embedded),
		events.ShardTask{Run: id, Shard: -1}.Message(kinds.Embedded),
	} {
		before := len(w.Errors())
		if status := pushtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("message %d: answered %d, want 204", i, status)
		}
		if len(w.Errors()) == before {
			t.Errorf("message %d: logged no error", i)
		}
	}
}
