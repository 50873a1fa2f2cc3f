package events_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/eventstest"
	"golang.org/x/mod/modfile"
)

// The messages are an interface between versions of the service: after a deployment, the topics still have messages of
// the old version.
func TestTaskMessages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		message    events.Message
		attributes map[string]string
		data       string
	}{
		{
			events.RangeTask{Run: "demo-0123456789ab", Wave: 2, Range: 3}.Message(),
			map[string]string{"task": "range"}, `{"run":"demo-0123456789ab","wave":2,"range":3}`,
		},
		{
			events.ShardTask{Run: "demo-0123456789ab", Wave: 2, Range: 3, Shard: 14}.Message("gpu", false),
			map[string]string{"task": "shard", "scorer": "gpu"}, `{"run":"demo-0123456789ab","wave":2,"range":3,"shard":14}`,
		},
		{
			events.PartTask{Run: "demo-0123456789ab", Selection: "ba9876543210", Range: 3}.Message(),
			map[string]string{"task": "part"}, `{"run":"demo-0123456789ab","selection":"ba9876543210","range":3}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.attributes[events.AttrTask], func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(events.Message{Attributes: tt.attributes, Data: []byte(tt.data)}, tt.message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTasksRoundTrip(t *testing.T) {
	t.Parallel()
	want := events.ShardTask{Run: "demo-0123456789ab", Range: 3, Shard: 14}
	var got events.ShardTask
	if err := (events.Delivery{Message: want.Message("gpu", true)}).Decode(&got); err != nil || got != want {
		t.Errorf("decoded %+v (%v), want %+v", got, err, want)
	}
}

// A topic records published messages.
type topic []events.Message

func (p *topic) Publish(_ context.Context, messages ...events.Message) error {
	*p = append(*p, messages...)
	return nil
}

// TestEvent publishes an event. Older consumers filter on its attributes.
func TestEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 3, 2, 1, 500_000_000, time.FixedZone("CEST", 2*60*60))
	var got topic
	feed, err := events.NewFeed(&got, events.Origin{
		Source: "/projects/farm/deployments/harvest", Input: "gs://in/", Work: "gs://work", API: "https://harvest.test/",
	}, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	data := events.RunEvent{
		Run: "demo-1", Dataset: "demo", Samples: &events.Counts{In: 6, Scored: 3, Failed: 2, Skipped: 1},
		API: feed.RunAddress("demo-1"),
	}
	scored := events.Event{Type: events.RunScored, ID: "demo-1", Run: "demo-1", Data: data}
	if err := feed.Publish(t.Context(), scored); err != nil {
		t.Fatal(err)
	}
	want := topic{{
		Attributes: map[string]string{
			"ce-specversion": "1.0", "ce-id": "demo-1", "ce-type": "com.github.harvest-ml.harvest.run.scored.v1",
			"ce-source": "/projects/farm/deployments/harvest", "ce-subject": "demo-1", "ce-time": "2026-05-04T01:02:01.5Z",
			"ce-datacontenttype": "application/json",
			"ce-dataschema": "https://raw.githubusercontent.com/harvest-ml/harvest/main/shared/events/schema/" +
				"run.scored.v1.json",
			"content-type": "application/json", "type": "run.scored",
		},
		Data: []byte(`{"run":"demo-1","dataset":"demo","samples":{"in":6,"scored":3,"failed":2,"skipped":1},` +
			`"api":"https://harvest.test/v1/runs/demo-1"}`),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	eventstest.Check(t, got[0])
	if feed.Publish(t.Context(), events.Event{Type: "odd", Data: make(chan int)}) == nil {
		t.Error("an event with data that JSON cannot encode was published")
	}
	if images := feed.Images("demo"); images != "gs://in/images/demo/" {
		t.Errorf("images are at %s", images)
	}
	if _, err := events.NewFeed(&got, events.Origin{Input: "gs://in", Work: "gs://work"}, time.Now); err == nil {
		t.Error("a feed without a source was made")
	}
}

// TestTypePrefix requires that the prefix of types is the module's path, and that each schema belongs to a type.
func TestTypePrefix(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Split(modfile.ModulePath(content), "/")
	domain := strings.Split(path[0], ".")
	slices.Reverse(domain)
	prefix := strings.Join(append(domain, path[1:]...), ".") + "."
	files, err := events.Schemas.ReadDir("schema")
	if err != nil || len(files) != len(events.Types()) {
		t.Errorf("%d schemas of %d types: %v", len(files), len(events.Types()), err)
	}
	for _, kind := range events.Types() {
		if got := events.CloudEventType(kind); got != prefix+kind+".v1" {
			t.Errorf("%s is %s, and the module is %s", kind, got, path)
		}
	}
}

func TestSelectionEvent(t *testing.T) {
	t.Parallel()
	want := events.SelectionEvent{
		Run: "demo-1", Dataset: "demo", Selection: "s", Selected: 2, Automatic: true, Shortfall: 1, Scorer: "e",
		Outputs: map[string]events.Object{"subset": {URI: "gs://w/a", Generation: 3, Size: 4, CRC32C: "AAAAAA=="}},
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got events.SelectionEvent
	if err := json.Unmarshal(data, &got); err != nil || !cmp.Equal(want, got) {
		t.Errorf("%s is read as %+v (%v)", data, got, err)
	}
	older := `{"run": "demo-1", "outputs": {"subset": "runs/demo-1/selections/s/subset.json"}}`
	got = events.SelectionEvent{}
	err = json.Unmarshal([]byte(older), &got)
	if name := got.Outputs["subset"].URI; err != nil || name != "runs/demo-1/selections/s/subset.json" {
		t.Errorf("%s is read as %q (%v)", older, name, err)
	}
}
