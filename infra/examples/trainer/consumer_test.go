package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/topic"
	"github.com/harvest-ml/harvest/shared/events/topic/topictest"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// journal is the environment variable that names a file. If it is set, the test binary acts as the trainer's command,
// and writes to this file.
const journal = "TRAINER_TEST_JOURNAL"

// TestMain runs the tests, or acts as the command: then it records its variables, and fails on the first start of a job
// if the environment requests this.
func TestMain(m *testing.M) {
	file := os.Getenv(journal)
	if file == "" {
		os.Exit(m.Run())
	}
	subset, err := os.ReadFile(os.Getenv("HARVEST_SUBSET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(subset, &records); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	job, outcome := os.Getenv("HARVEST_JOB"), "started"
	if _, err := os.Stat(file + "." + job); err != nil && os.Getenv("TRAINER_TEST_FAILS") != "" {
		outcome = "failed"
	}
	line := fmt.Sprintf("%s %s %s %s %d of %s\n", outcome, job, os.Getenv("HARVEST_DATASET"), os.Getenv("HARVEST_RUN"),
		len(records), os.Getenv("HARVEST_SELECTED"))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(line)
	}
	if err := errors.Join(err, os.WriteFile(file+"."+job, nil, 0o644)); err != nil || outcome == "failed" {
		os.Exit(1)
	}
	os.Exit(0)
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(data)))
}

func folder(t *testing.T) bucket.Bucket {
	t.Helper()
	b, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	demo    = "../../../testdata/demo"
	project = "trainer" // project of Pub/Sub
)

// consumeTwice runs a consumer in two goroutines until the test ends.
func consumeTwice(t *testing.T, c consumer, client *pubsub.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var consumers sync.WaitGroup
	for range 2 {
		consumers.Go(func() {
			if err := c.receive(ctx, client.Subscriber("harvest-trainer")); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); consumers.Wait() })
}

// TestTrainer curates the demo, with two consumers of one subscription. The first attempt to start the training fails,
// and the event is delivered three times in total. Only one training is started.
func TestTrainer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	t.Setenv(journal, file)
	t.Setenv("TRAINER_TEST_FAILS", "1")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	work := folder(t)
	var mu sync.Mutex
	var completed []events.Message
	server, client := subscribe(t)
	published := topic.New(client, events.TopicEvents)
	st := startSystem(t, work, log, func(m events.Message) {
		mu.Lock()
		defer mu.Unlock()
		if m.Attributes[events.AttrType] == events.SelectionCompleted {
			completed = append(completed, m)
		}
		if err := published.Publish(t.Context(), m); err != nil {
			t.Error(err)
		}
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := consumer{
		open: gs.OpenURL, out: t.TempDir(), command: []string{self}, log: log,
		starts: ledger{bucket: folder(t), lease: time.Minute, now: time.Now},
	}
	consumeTwice(t, c, client)
	if err := st.Upload(t.Context(), "datasets/demo/dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	until(t, "the training", func() bool { return len(lines(t, file)) == 2 })
	mu.Lock()
	event := completed[0]
	mu.Unlock()
	if err := published.Publish(t.Context(), event, event); err != nil {
		t.Fatal(err)
	}
	until(t, "all three events to be acknowledged", func() bool {
		acknowledged := 0
		for _, m := range server.Messages() {
			acknowledged += m.Acks
		}
		return acknowledged >= 3
	})
	runID, _, _ := strings.Cut(event.Attributes["ce-id"], "/")
	rest := fmt.Sprintf("%s demo %s 77 of 77\n", jobName(event.Attributes["ce-id"]), runID)
	if diff := cmp.Diff([]string{"failed " + rest, "started " + rest}, lines(t, file)); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
}

// startSystem runs Harvest with the demo as its input.
func startSystem(t *testing.T, work bucket.Bucket, log *slog.Logger, onEvent func(events.Message)) *local.Stack {
	t.Helper()
	input, err := bucket.NewView(map[string]bucket.Content{
		"datasets/demo/dataset.yaml":       bucket.Literal([]byte("manifests: [parts/dataset.json]\nbudget: 30%\n")),
		"datasets/demo/parts/dataset.json": bucket.AtFile(demo + "/dataset.json"),
		"images/demo/":                     bucket.AtFolder(demo),
	})
	if err != nil {
		t.Fatal(err)
	}
	scorers, err := kinds.New(kinds.Config{}, memorytest.Budget(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := local.Start(t.Context(), local.Options{
		Input: input, Work: work, OpenScorer: scorers.Open, Log: log, Memory: memorytest.Budget(t),
		Limits: run.Limits{
			Scorer: kinds.Embedded, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
			Images: images.Limits{
				MaxBytes: 1 << 24, MaxPixels: 1 << 24,
				MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			},
			PlanBytes: 8 << 30, RangeBytes: 1 << 20, ShardSamples: 100, ShardBytes: 1 << 24, InFlight: 16,
		},
		OnEvent: onEvent,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// subscribe creates the subscription that the package's comment shows.
func subscribe(t *testing.T) (*pstest.Server, *pubsub.Client) {
	t.Helper()
	server, client := topictest.NewServer(t, project, events.TopicEvents)
	_, err := client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name:   "projects/" + project + "/subscriptions/harvest-trainer",
		Topic:  "projects/" + project + "/topics/" + events.TopicEvents,
		Filter: `attributes.type = "selection.completed"`, AckDeadlineSeconds: 600,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !met(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestHandle delivers messages that are not a completed selection, and a selection whose subset does not exist.
func TestHandle(t *testing.T) {
	t.Parallel()
	c := consumer{
		open: opens(folder(t)), out: t.TempDir(), command: []string{"false"}, log: slog.New(slog.DiscardHandler),
		starts: ledger{bucket: folder(t), lease: time.Minute, now: time.Now},
	}
	completed := map[string]string{events.AttrType: events.SelectionCompleted, "ce-id": "demo-1/s"}
	for name, tt := range map[string]struct {
		attributes map[string]string
		data       string
		redelivery bool
	}{
		"another event": {
			map[string]string{events.AttrType: events.RunScored, "ce-id": "demo-1"}, `{"run": "demo-1"}`, false,
		},
		"no JSON":      {completed, `{`, false},
		"no id":        {map[string]string{events.AttrType: events.SelectionCompleted}, `{"run": "demo-1"}`, false},
		"empty subset": {completed, `{"run": "demo-1", "selection": "s", "selected": 0, "outputs": {"subset": "x"}}`, false},
		"no subset": {
			completed,
			`{"run": "demo-1", "selected": 1, "selection": "s", "outputs": {"subset": "runs/demo-1/selections/s/subset.json"}}`,
			true,
		},
	} {
		if err := c.handle(t.Context(), tt.attributes, []byte(tt.data)); (err != nil) != tt.redelivery {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for attrs, err := range c.starts.bucket.List(t.Context(), "", "") {
		if err != nil || !strings.HasPrefix(attrs.Name, "trainings/demo-1/s/") {
			t.Errorf("%s was written: %v", attrs.Name, err)
		}
	}
}

// opens returns a function that opens the same bucket for all events.
func opens(b bucket.Bucket) func(context.Context, string) (bucket.Bucket, error) {
	return func(context.Context, string) (bucket.Bucket, error) { return b, nil }
}
