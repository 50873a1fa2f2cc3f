package score_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// newScore makes a fixture with a run of 5 samples that is cut into shards. It returns the run's id and its shard
// tasks.
func newScore(t *testing.T) (w *runtest.Fixture, h http.Handler, id string, shards []events.Message) {
	t.Helper()
	w = runtest.New(t)
	w.Upload("datasets/sky/all.jsonl", runtest.Lines(runtest.Plain("r", 5)))
	plan, err := w.Start(run.Spec{Dataset: "sky", Manifests: []string{"all.jsonl"}})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := ingest.New(ingest.Config{Planner: w.Planner(), Worker: w.Worker, Subsets: w.Subsets, Log: w.Log})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range w.Tasks.Take() {
		if status := runtest.Push(t, cut, "/", m); status != http.StatusNoContent {
			t.Fatalf("cutting was answered %d", status)
		}
	}
	return w, newHandler(t, w), plan.Run, w.Tasks.Take()
}

func newHandler(t *testing.T, w *runtest.Fixture) http.Handler {
	t.Helper()
	h, err := score.New(w.Worker, w.Log)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestShardsAreScored(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	for _, m := range append(shards, shards...) { // Pub/Sub may deliver each message twice
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Fatalf("answered %d, want 204", status)
		}
	}
	status := w.Status(id)
	if diff := cmp.Diff(events.Counts{In: 5, Scored: 5}, status.Samples); status.State != run.StateScored || diff != "" {
		t.Errorf("the run is %s, with samples (-want +got):\n%s", status.State, diff)
	}
	published := w.Events.Take()
	if len(published) != 2 || published[1].Attributes[events.AttrType] != events.RunScored ||
		published[1].Attributes["ce-id"] != id {
		t.Errorf("events %v, want that run %s is planned, and that it is scored", published, id)
	}
	if logged := w.Errors(); logged != nil {
		t.Errorf("logged errors: %v", logged)
	}
}

func TestTransientErrorIsRedelivered(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	w.Events.Fail = errors.New("Pub/Sub is unreachable")
	for i, m := range shards {
		want := http.StatusNoContent
		if i == len(shards)-1 {
			want = http.StatusServiceUnavailable // this delivery advances the run and has an event to publish
		}
		if status := runtest.Push(t, h, "/", m); status != want {
			t.Errorf("shard %d: answered %d, want %d", i, status, want)
		}
	}
	w.Events.Fail = nil
	if status := runtest.Push(t, h, "/", shards[len(shards)-1]); status != http.StatusNoContent {
		t.Errorf("answered %d, want 204", status)
	}
	if published := w.Events.Take(); len(published) != 2 || published[1].Attributes["ce-id"] != id {
		t.Errorf("events %v, want two of run %s", published, id)
	}
}

// A scorer that must stop leaves the run stalled. One log line, which an alert counts, gives the reason.
func TestStopIsLogged(t *testing.T) {
	t.Parallel()
	w, _, id, shards := newScore(t)
	open := w.OpenScorer
	w.OpenScorer = func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
		s, err := open(ctx, kind, r)
		return stopping{s}, err
	}
	w.Restart()
	h := newHandler(t, w)
	for _, m := range shards {
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("answered %d, want 204", status)
		}
	}
	if status := w.Status(id); status.State != run.StateStalled {
		t.Errorf("the run is %s, want it stalled", status.State)
	}
	logged := w.Errors()
	if len(logged) != 1 {
		t.Errorf("%d errors are logged: %q", len(logged), logged)
	}
	for _, line := range logged {
		if !strings.Contains(line, "task given up") || !strings.Contains(line, id) ||
			!strings.Contains(line, "the key is refused") {
			t.Errorf("logged %s", line)
		}
	}
}

// stopping is a scorer that cannot continue.
type stopping struct{ scorer.Scorer }

func (stopping) Rate(context.Context, []scorer.Item) ([]scorer.Result, error) {
	return nil, &scorer.StopError{Reason: "the key is refused"}
}

func TestCancelledRunIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, h, id, shards := newScore(t)
	if err := w.Worker.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, m := range shards {
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("answered %d, want 204", status)
		}
	}
	if status := w.Status(id); status.State != run.StateCancelled || status.Progress.ShardsScored != 0 {
		t.Errorf("the run is %s with %d shards scored, want it cancelled with none",
			status.State, status.Progress.ShardsScored)
	}
}

func TestWrongMessagesAreAcknowledged(t *testing.T) {
	t.Parallel()
	w, h, id, _ := newScore(t)
	garbage := events.ShardTask{Run: id}.Message(runtest.Kind, false)
	garbage.Data = []byte("{")
	for i, m := range []events.Message{
		{},
		garbage,
		events.RangeTask{Run: id}.Message(),
		events.ShardTask{Run: "sky-000000000000"}.Message(runtest.Kind, false),
		events.ShardTask{Run: id, Range: 99}.Message(runtest.Kind, false),
		events.ShardTask{Run: id, Range: -1}.Message(runtest.Kind, false),
		events.ShardTask{Run: id, Shard: 99}.Message(runtest.Kind, false),
		events.ShardTask{Run: id, Shard: -1}.Message(runtest.Kind, false),
	} {
		before := len(w.Errors())
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("message %d: answered %d, want 204", i, status)
		}
		if len(w.Errors()) == before {
			t.Errorf("message %d: logged no error", i)
		}
	}
}
