package terraform_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/topic"
	"github.com/harvest-ml/harvest/shared/events/topic/topictest"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"golang.org/x/sync/errgroup"
)

// TestOneList compares the topics and subscriptions of the configuration with the list in shared/events, which
// `harvest serve` uses.
func TestOneList(t *testing.T) {
	t.Parallel()
	topics := slices.Sorted(maps.Keys(local(t, "modules/messaging", "topics", nil).AsValueMap()))
	if diff := cmp.Diff(slices.Sorted(slices.Values(events.Topics())), topics); diff != "" {
		t.Errorf("topics (-shared/events +Terraform):\n%s", diff)
	}
	var subscriptions []events.Subscription
	for name, s := range local(t, "modules/messaging", "subscriptions", nil).AsValueMap() {
		subscriptions = append(subscriptions, events.Subscription{
			Name: name, Topic: text(s, "topic"), Filter: text(s, "filter"), Service: text(s, "service"),
		})
	}
	byName := cmpopts.SortSlices(func(a, b events.Subscription) bool { return a.Name < b.Name })
	if diff := cmp.Diff(events.Subscriptions(), subscriptions, byName); diff != "" {
		t.Errorf("subscriptions (-shared/events +Terraform):\n%s", diff)
	}
}

// TestEveryMessageReachesItsService publishes the messages of the code, and checks which subscriptions receive them.
func TestEveryMessageReachesItsService(t *testing.T) {
	t.Parallel()
	client := newPubSub(t)
	upload := events.Message{Attributes: map[string]string{"eventType": "OBJECT_FINALIZE"}}
	for name, tc := range map[string]struct {
		topic   string
		message events.Message
		want    []string
	}{
		"upload":              {"uploads", upload, []string{"ingest-uploads"}},
		"plan":                {"tasks", events.PlanTask{Run: "r"}.Message(), []string{"ingest-plans"}},
		"range":               {"tasks", events.RangeTask{Run: "r"}.Message(), []string{"ingest-ranges"}},
		"shard, embedded":     {"tasks", events.ShardTask{Run: "r"}.Message(kinds.Embedded, false), []string{"score"}},
		"shard, llm":          {"tasks", events.ShardTask{Run: "r"}.Message(kinds.LLM, false), []string{"score-llm"}},
		"shard, gpu":          {"tasks", events.ShardTask{Run: "r"}.Message(kinds.GPU, false), []string{"score-gpu"}},
		"small, embedded":     {"tasks", events.ShardTask{Run: "r"}.Message(kinds.Embedded, true), []string{"score-small"}},
		"small, llm":          {"tasks", events.ShardTask{Run: "r"}.Message(kinds.LLM, true), []string{"score-llm-small"}},
		"small, gpu":          {"tasks", events.ShardTask{Run: "r"}.Message(kinds.GPU, true), []string{"score-gpu-small"}},
		"part":                {"tasks", events.PartTask{Run: "r"}.Message(), []string{"curate-parts"}},
		"select":              {"tasks", events.SelectTask{Run: "r"}.Message(), []string{"curate-selections"}},
		"images":              {"tasks", events.ImagesTask{Run: "r"}.Message(), []string{"curate-images"}},
		"reconcile":           {"tasks", events.ReconcileTask{}.Message(), []string{"curate-reconcile"}},
		"run scored":          {"events", cloudEvent(t, events.RunScored), nil},
		"selection completed": {"events", cloudEvent(t, events.SelectionCompleted), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := client.receivers(t, tc.topic, tc.message)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("received by (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSchedule compares the message of the schedule with the task that curate accepts.
func TestSchedule(t *testing.T) {
	t.Parallel()
	task := local(t, "modules/messaging", "reconcile", nil)
	got := events.Message{Attributes: map[string]string{}, Data: []byte(text(task, "data"))}
	for name, v := range task.GetAttr("attributes").AsValueMap() {
		got.Attributes[name] = v.AsString()
	}
	if diff := cmp.Diff(events.ReconcileTask{}.Message(), got); diff != "" {
		t.Errorf("the scheduled message (-shared/events +Terraform):\n%s", diff)
	}
}

// TestPushPath compares curate's push endpoint with the path to which its subscriptions push.
func TestPushPath(t *testing.T) {
	t.Parallel()
	paths := local(t, "modules/messaging", "push_paths", nil).AsValueMap()
	if got := paths["curate"].AsString(); got != curate.PushPath {
		t.Errorf("pushes to curate go to %q, but its endpoint is %q", got, curate.PushPath)
	}
}

func cloudEvent(t *testing.T, kind string) events.Message {
	t.Helper()
	var topic published
	feed, err := events.NewFeed(&topic, events.Origin{Source: "/s", Input: "gs://i", Work: "gs://w"}, time.Now)
	if err == nil {
		err = feed.Publish(t.Context(), events.Event{Type: kind, ID: "id", Run: "r", Data: events.RunEvent{Run: "r"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return topic[0]
}

// published records the messages of a topic.
type published []events.Message

func (p *published) Publish(_ context.Context, messages ...events.Message) error {
	*p = append(*p, messages...)
	return nil
}

// pubSub is a client of Pub/Sub's test server, with the subscriptions of the configuration.
type pubSub struct {
	client        *pubsub.Client
	subscriptions map[string]*pubsubpb.Subscription // by name; the field Name is empty
}

const project = "projects/orchard/"

func newPubSub(t *testing.T) pubSub {
	t.Helper()
	_, client := topictest.NewServer(t, "orchard")
	p := pubSub{client, map[string]*pubsubpb.Subscription{}}
	for name, s := range local(t, "modules/messaging", "subscriptions", nil).AsValueMap() {
		p.subscriptions[name] = &pubsubpb.Subscription{Topic: text(s, "topic"), Filter: text(s, "filter")}
	}
	return p
}

// receivers publishes a message to a new topic that has the subscriptions of the configuration. It returns the names of
// the subscriptions that get the message.
func (p pubSub) receivers(t *testing.T, of string, m events.Message) []string {
	t.Helper()
	suffix := "-" + time.Now().Format("150405.000000000")
	name := project + "topics/" + of + suffix
	created, err := p.client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, s := range p.subscriptions {
		if s.Topic != of {
			continue
		}
		_, err := p.client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
			Name: project + "subscriptions/" + name + suffix, Topic: created.Name, Filter: s.Filter, AckDeadlineSeconds: 600,
		})
		if err != nil {
			t.Fatalf("subscription %s: %v", name, err)
		}
		names = append(names, name)
	}
	if err := topic.New(p.client, of+suffix).Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	// Pull concurrently, because the test server takes half a second to answer that there is no message.
	var group errgroup.Group
	var lock sync.Mutex
	var got []string
	for _, name := range names {
		group.Go(func() error {
			answer, err := p.client.SubscriptionAdminClient.Pull(t.Context(), &pubsubpb.PullRequest{
				Subscription: project + "subscriptions/" + name + suffix, MaxMessages: 10,
			})
			lock.Lock()
			defer lock.Unlock()
			if len(answer.GetReceivedMessages()) > 0 {
				got = append(got, name)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}
