package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
)

// The messages are an interface between versions of the service: a deploy finds those of the former one in the topics.
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

func TestCloudEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 3, 2, 1, 500_000_000, time.FixedZone("CEST", 2*60*60))
	m, err := events.CloudEvent(events.RunScored, "demo-1", "demo-1", at, events.RunScoredEvent{
		Run: "demo-1", Dataset: "demo", Samples: events.Counts{In: 6, Scored: 3, Failed: 2, Skipped: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := events.Message{
		Attributes: map[string]string{
			"ce-specversion": "1.0", "ce-id": "demo-1", "ce-type": "run.scored", "ce-source": "/harvest",
			"ce-subject": "demo-1", "ce-time": "2026-05-04T01:02:01.5Z",
			"content-type": "application/json", "type": "run.scored",
		},
		Data: []byte(`{"run":"demo-1","dataset":"demo","samples":{"in":6,"scored":3,"failed":2,"skipped":1}}`),
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if _, err := events.CloudEvent("odd", "1", "1", at, make(chan int)); err == nil {
		t.Error("an event of data that has no JSON was made")
	}
}

func TestSelectionCompletedEvent(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(events.SelectionCompletedEvent{
		Run: "demo-1", Dataset: "demo", Selection: "s", Selected: 2, Automatic: true, Shortfall: 1,
		Outputs: map[string]string{"subset": "runs/demo-1/selections/s/subset.json"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"run":"demo-1","dataset":"demo","selection":"s","selected":2,"automatic":true,"shortfall":1,` +
		`"outputs":{"subset":"runs/demo-1/selections/s/subset.json"}}`
	if string(data) != want {
		t.Errorf("got %s\nwant %s", data, want)
	}
}
