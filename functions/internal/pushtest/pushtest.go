// Package pushtest is what tests of the functions stand on: buckets in folders, topics in memory,
// the embedded scorer, and deliveries as Pub/Sub pushes them.
package pushtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// A World is what a function works on.
type World struct {
	Store         *run.Store
	Limits        run.Limits
	Tasks, Events *Topic
	Log           *slog.Logger

	t      testing.TB
	input  string
	logged bytes.Buffer
}

// New makes an empty world, which cuts datasets into shards of two samples.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{
		t: t, input: t.TempDir(), Tasks: &Topic{}, Events: &Topic{},
		Limits: run.Limits{
			Scorer: kinds.Embedded, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
			Images:     images.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 20},
			RangeBytes: 600, ShardSamples: 2, ShardBytes: 1 << 20,
		},
	}
	w.Log = slog.New(slog.NewTextHandler(&w.logged, nil))
	input, err := bucket.OpenFolder(w.input)
	if err != nil {
		t.Fatal(err)
	}
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	scorers, err := kinds.New(kinds.Config{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Store = &run.Store{Input: input, Work: work, Tasks: w.Tasks, Events: w.Events, OpenScorer: scorers.Open, Now: time.Now}
	return w
}

// Upload puts an object into the input bucket.
func (w *World) Upload(name, content string) {
	w.t.Helper()
	file := filepath.Join(w.input, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// Errors are the lines that were logged as errors.
func (w *World) Errors() []string {
	var found []string
	for line := range strings.Lines(w.logged.String()) {
		if strings.Contains(line, "level=ERROR") {
			found = append(found, line)
		}
	}
	return found
}

// Status is the state of a run.
func (w *World) Status(id string) *run.Status {
	w.t.Helper()
	status, err := w.Store.Status(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// Records is a manifest of n sound records without images, one a line.
func Records(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id": "r%02d", "data_source": "tests", "conversations": [{"from": "human", "value": "Question %d: why is the sky blue, and is it so on Mars?"}, {"from": "gpt", "value": "Air scatters blue light more than red. First, light enters; then it scatters %d times."}]}`+"\n", i, i, i)
	}
	return b.String()
}

// A Topic keeps what is published until it is taken.
type Topic struct {
	// Fail, if it is set, is what every publication fails with.
	Fail error

	mu       sync.Mutex
	messages []events.Message
}

// Publish keeps the messages.
func (p *Topic) Publish(_ context.Context, messages ...events.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Fail != nil {
		return p.Fail
	}
	p.messages = append(p.messages, messages...)
	return nil
}

// Take removes all messages from the topic and returns them.
func (p *Topic) Take() []events.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.messages
	p.messages = nil
	return taken
}

// Push delivers a message for the first time and returns the status of the answer.
func Push(t testing.TB, h http.Handler, path string, m events.Message) int {
	t.Helper()
	envelope := events.Envelope{DeliveryAttempt: 1, Subscription: "projects/p/subscriptions/s"}
	envelope.Message.MessageID, envelope.Message.Attributes, envelope.Message.Data = "m1", m.Attributes, m.Data
	body, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	return answer.Code
}

// PushAll delivers everything that is and comes to be in a topic to the handler that route gives for
// it, and fails the test where a delivery is not acknowledged.
func PushAll(t testing.TB, from *Topic, path string, route func(events.Message) http.Handler) {
	t.Helper()
	for messages := from.Take(); len(messages) > 0; messages = from.Take() {
		for _, m := range messages {
			if status := Push(t, route(m), path, m); status != http.StatusNoContent {
				t.Fatalf("delivery of %v %s was answered %d", m.Attributes, m.Data, status)
			}
		}
	}
}
