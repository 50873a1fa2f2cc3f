package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/events"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Project is the name of the Pub/Sub project on this machine.
const Project = "harvest-local"

// Topic returns the name, on this machine, of a topic of shared/events.
func Topic(key string) string { return "harvest-" + key }

// A cloudPubSub is a test double of Pub/Sub, served over gRPC, with all topics. It does not push: relay moves published
// messages to a queue, which pushes them.
type cloudPubSub struct {
	addr    string
	client  *pubsub.Client
	closers []func() error
}

// A PublishFault is a failed answer to a publication.
type PublishFault struct {
	Code     codes.Code
	Accepted bool // the topic has the messages, although the answer is an error
}

// A publishDisturber makes publications fail. The test double calls it with its lock held.
type publishDisturber struct {
	next   func() *PublishFault
	server *pstest.Server
	// passed is the number of the next publications that must succeed, because they are React's own: after it answered
	// an accepted publication with an error, it publishes the messages.
	passed atomic.Int64
}

// React implements pstest.Reactor.
func (d *publishDisturber) React(request any) (handled bool, answer any, err error) {
	published, ok := request.(*pubsubpb.PublishRequest)
	if !ok || published.Topic == topicName(events.TopicUploads) { // Cloud Storage publishes these messages, not a process
		return false, nil, nil
	}
	if d.passed.Add(-1) >= 0 {
		return false, nil, nil
	}
	d.passed.Add(1)
	fault := d.next()
	if fault == nil {
		return false, nil, nil
	}
	if fault.Accepted {
		d.passed.Add(int64(len(published.Messages)))
		go func() {
			for _, m := range published.Messages {
				d.server.Publish(published.Topic, m.Data, m.Attributes)
			}
		}()
	}
	return true, nil, status.Error(fault.Code, "disturbed")
}

// topicName returns the full name of a topic.
func topicName(topic string) string { return "projects/" + Project + "/topics/" + Topic(topic) }

// startPubSub starts the test double of Pub/Sub. If disturb is not nil, it returns the fault of the next publication; a
// nil fault lets the publication succeed.
func startPubSub(ctx context.Context, disturb func() *PublishFault) (_ *cloudPubSub, err error) {
	var options []pstest.ServerReactorOption
	disturber := &publishDisturber{next: disturb}
	if disturb != nil {
		options = append(options, pstest.ServerReactorOption{FuncName: "Publish", Reactor: disturber})
	}
	server := pstest.NewServer(options...)
	disturber.server = server
	p := &cloudPubSub{addr: server.Addr, closers: []func() error{server.Close}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	conn, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	if p.client, err = pubsub.NewClient(ctx, Project, option.WithGRPCConn(conn)); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.client.Close) // this also closes conn
	for _, topic := range events.Topics() {
		name := topicName(topic)
		if _, err := p.client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: name}); err != nil {
			return nil, err
		}
		_, err := p.client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
			Name: "projects/" + Project + "/subscriptions/" + relayed(topic), Topic: name, AckDeadlineSeconds: 600,
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// relayed returns the name of the subscription from which relay receives a topic's messages.
func relayed(topic string) string { return "relay-" + topic }

func (p *cloudPubSub) close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// relay moves the messages of a topic to a queue until ctx ends.
func (p *cloudPubSub) relay(ctx context.Context, topic string, to *queue.Queue, log *slog.Logger) error {
	for {
		err := p.client.Subscriber(relayed(topic)).Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
			if to.Topic(topic).Publish(ctx, events.Message{Attributes: m.Attributes, Data: m.Data}) == nil {
				m.Ack()
			} else {
				m.Nack() // the queue has stopped, so the system stops too
			}
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil, status.Code(err) == codes.Canceled, status.Code(err) == codes.Unavailable:
			// The stream was lost, but the subscription still exists: messages without an acknowledgement are received
			// again.
			log.Info("receiving messages again", "topic", topic, "error", err)
		default:
			return fmt.Errorf("receiving from topic %s: %w", topic, err)
		}
	}
}
