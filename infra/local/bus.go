package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Project is the name of the Pub/Sub project on this machine.
const Project = "harvest-local"

// UploadsTopic is where Cloud Storage's notifications go.
const UploadsTopic = "harvest-uploads"

const (
	tasksTopic  = "harvest-tasks"
	eventsTopic = "harvest-events"
	deadTopic   = "harvest-dead"
)

// The services that subscriptions push to. score-gpu is a service of its own only among processes.
const (
	ingestTarget   = "ingest"
	scoreTarget    = "score"
	scoreGPUTarget = "score-gpu"
	curateTarget   = "curate"
)

// subscriptions are those of the cloud. gpuTarget is the service of shards that the scorer gpu rates.
func subscriptions(gpuTarget string) []subscription {
	subs := []subscription{
		{name: "ingest-uploads", topic: UploadsTopic, target: ingestTarget, atOnce: 1},
		{name: "ingest-ranges", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskRange), target: ingestTarget, atOnce: 1},
		{name: "curate-parts", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskPart), target: curateTarget, atOnce: 2},
		{name: "curate-selections", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskSelect), target: curateTarget, atOnce: 1},
		{name: "curate-events", topic: eventsTopic, filter: filter(events.AttrType, events.RunScored), target: curateTarget, atOnce: 1},
		{name: "curate-dead", topic: deadTopic, target: curateTarget, atOnce: 1},
	}
	// Two shards at once: one is rated while the other reads its images or writes its scores.
	shards := filter(events.AttrTask, events.TaskShard)
	if gpuTarget == scoreTarget {
		return append(subs, subscription{name: "score", topic: tasksTopic, filter: shards, target: scoreTarget, atOnce: 2})
	}
	others := fmt.Sprintf("attributes.%s != %q", events.AttrScorer, kinds.GPU)
	return append(subs,
		subscription{name: "score", topic: tasksTopic, filter: shards + " AND " + others, target: scoreTarget, atOnce: 2},
		subscription{name: "score-gpu", topic: tasksTopic, filter: shards + " AND " + filter(events.AttrScorer, kinds.GPU), target: gpuTarget, atOnce: 2})
}

func filter(attribute, value string) string {
	return fmt.Sprintf("attributes.%s = %q", attribute, value)
}

// A bus is Pub/Sub on this machine: its test server with all topics, and the relay that pushes.
type bus struct {
	addr   string
	client *pubsub.Client
	relay  relay

	uploads *events.Topic
	closers []func() error
}

// startBus starts the Pub/Sub server with its topics.
func startBus(ctx context.Context, retry Retry, duplicate bool, log *slog.Logger) (_ *bus, err error) {
	if retry == (Retry{}) {
		retry = DefaultRetry()
	}
	server := pstest.NewServer()
	b := &bus{addr: server.Addr, closers: []func() error{server.Close}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting Pub/Sub in the process: %w", err), b.close())
		}
	}()
	conn, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	if b.client, err = pubsub.NewClient(ctx, Project, option.WithGRPCConn(conn)); err != nil {
		return nil, err
	}
	b.closers = append(b.closers, b.client.Close) // closes conn too
	for _, topic := range []string{UploadsTopic, tasksTopic, eventsTopic, deadTopic} {
		if _, err := b.client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topicPath(topic)}); err != nil {
			return nil, err
		}
	}
	b.uploads = events.NewTopic(b.client, UploadsTopic)
	b.relay = relay{client: b.client, dead: events.NewTopic(b.client, deadTopic), log: log, retry: retry, duplicate: duplicate}
	return b, nil
}

func (b *bus) close() error {
	var errs []error
	for _, c := range slices.Backward(b.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func topicPath(name string) string { return "projects/" + Project + "/topics/" + name }

func (b *bus) subscribe(ctx context.Context, sub subscription) error {
	_, err := b.client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name:  "projects/" + Project + "/subscriptions/" + sub.name,
		Topic: topicPath(sub.topic), Filter: sub.filter, AckDeadlineSeconds: 600,
	})
	if err != nil {
		return fmt.Errorf("subscribing %s to %s: %w", sub.name, sub.topic, err)
	}
	return nil
}

// push makes a subscription whose messages are pushed to url until ctx ends.
func (b *bus) push(ctx context.Context, group *errgroup.Group, sub subscription, url string) error {
	if err := b.subscribe(ctx, sub); err != nil {
		return err
	}
	group.Go(func() error { return b.relay.run(ctx, sub, url) })
	return nil
}

// watch calls onEvent with every event that the functions publish.
func (b *bus) watch(ctx context.Context, group *errgroup.Group, onEvent func(events.Message)) error {
	watch := subscription{name: "watch", topic: eventsTopic}
	if err := b.subscribe(ctx, watch); err != nil {
		return err
	}
	group.Go(func() error {
		return b.client.Subscriber(watch.name).Receive(ctx, func(_ context.Context, m *pubsub.Message) {
			onEvent(events.Message{Attributes: m.Attributes, Data: m.Data})
			m.Ack()
		})
	})
	return nil
}

// upload tells that an object has arrived in the input bucket, as Cloud Storage does.
func (b *bus) upload(ctx context.Context, object string) error {
	data, err := json.Marshal(map[string]string{"kind": "storage#object", "name": object})
	if err != nil {
		return err
	}
	return b.uploads.Publish(ctx, events.Message{
		Attributes: map[string]string{"eventType": "OBJECT_FINALIZE", "objectId": object, "payloadFormat": "JSON_API_V1"},
		Data:       data,
	})
}
