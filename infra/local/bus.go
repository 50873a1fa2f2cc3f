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
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Project is the name of the Pub/Sub project on this machine.
const Project = "harvest-local"

// Topic is the name on this machine of a topic of the list in shared/events.
func Topic(key string) string { return "harvest-" + key }

// concurrency is how many messages of a subscription are delivered at a time; 1 where it is not listed. Of two shards,
// one is rated while the other reads its images or writes its scores.
var concurrency = map[string]int64{"score": 2, "score-gpu": 2, "curate-parts": 2}

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
	for _, topic := range events.Topics() {
		if _, err := b.client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topicPath(topic)}); err != nil {
			return nil, err
		}
	}
	b.uploads = b.topic(events.TopicUploads)
	b.relay = relay{client: b.client, log: log, retry: retry, duplicate: duplicate}
	return b, nil
}

func (b *bus) close() error {
	var errs []error
	for _, c := range slices.Backward(b.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// topic publishes to a topic of the list in shared/events.
func (b *bus) topic(key string) *events.Topic { return events.NewTopic(b.client, Topic(key)) }

func topicPath(key string) string { return "projects/" + Project + "/topics/" + Topic(key) }

func subscriptionPath(name string) string { return "projects/" + Project + "/subscriptions/" + name }

func (b *bus) subscribe(ctx context.Context, sub events.Subscription) error {
	_, err := b.client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: subscriptionPath(sub.Name), Topic: topicPath(sub.Topic), Filter: sub.Filter, AckDeadlineSeconds: 600,
	})
	if err != nil {
		return fmt.Errorf("subscribing %s to %s: %w", sub.Name, sub.Topic, err)
	}
	return nil
}

// push makes a subscription whose messages are pushed to url until ctx ends.
func (b *bus) push(ctx context.Context, group *errgroup.Group, sub events.Subscription, url string) error {
	if err := b.subscribe(ctx, sub); err != nil {
		return err
	}
	group.Go(func() error { return b.relay.run(ctx, sub, url) })
	return nil
}

// watch calls onEvent with every event that the functions publish.
func (b *bus) watch(ctx context.Context, group *errgroup.Group, onEvent func(events.Message)) error {
	watch := events.Subscription{Name: "watch", Topic: events.TopicEvents}
	if err := b.subscribe(ctx, watch); err != nil {
		return err
	}
	group.Go(func() error {
		return b.client.Subscriber(watch.Name).Receive(ctx, func(_ context.Context, m *pubsub.Message) {
			onEvent(events.Message{Attributes: m.Attributes, Data: m.Data})
			m.Ack()
		})
	})
	return nil
}

// upload notifies of a new object in the input bucket, as Cloud Storage does.
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
