package topic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/topic"
	"github.com/harvest-ml/harvest/shared/events/topic/topictest"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTopicPublish(t *testing.T) {
	t.Parallel()
	server, client := topictest.NewServer(t, "p", "tasks")
	tasks := topic.New(client, "tasks")
	var want []string
	var messages []events.Message
	for r := range 250 { // more messages than the client sends in one request
		m := events.RangeTask{Run: "demo-1", Range: r}.Message()
		messages = append(messages, m)
		want = append(want, fmt.Sprint(m.Attributes, string(m.Data)))
	}
	if err := tasks.Publish(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range server.Messages() {
		got = append(got, fmt.Sprint(m.Attributes, string(m.Data)))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the topic has (-want +got):\n%s", diff)
	}
	if err := tasks.Publish(t.Context()); err != nil {
		t.Errorf("publishing nothing: %v", err)
	}
}

// A published message has the span in which it was published, and is otherwise unchanged. A message without attributes
// also gets the span.
func TestTopicTraces(t *testing.T) {
	t.Parallel()
	server, client := topictest.NewServer(t, "p", "tasks")
	tel, err := telemetry.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := telemetry.Run(tel.With(t.Context()), "demo-1", time.Now())
	task := events.RangeTask{Run: "demo-1"}.Message()
	before := len(task.Attributes)
	if err := topic.New(client, "tasks").Publish(ctx, task, events.Message{Data: []byte("bare")}); err != nil {
		t.Fatal(err)
	}
	id := telemetry.TraceID("demo-1").String()
	for _, m := range server.Messages() {
		if !strings.Contains(m.Attributes[telemetry.Traceparent], id) {
			t.Errorf("message %s has attributes %v, want trace %s", m.Data, m.Attributes, id)
		}
	}
	if len(server.Messages()) != 2 || len(task.Attributes) != before {
		t.Errorf("%d messages; the attributes of the published task are now %v", len(server.Messages()), task.Attributes)
	}
}

func TestTopicMissing(t *testing.T) {
	t.Parallel()
	_, client := topictest.NewServer(t, "p", "tasks")
	err := topic.New(client, "elsewhere").Publish(t.Context(), events.RangeTask{Run: "demo-1"}.Message())
	if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "publishing to topic elsewhere") {
		t.Errorf("got %v, want NotFound of the topic by its name", err)
	}
	if events.IsDataError(err) {
		t.Error("the error of a missing topic is a data error, so that its message would be lost")
	}
}
