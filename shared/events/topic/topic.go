// Package topic publishes to topics of Pub/Sub. It is separate from package events, so that only programs that need
// Pub/Sub's client link it.
package topic

import (
	"context"
	"fmt"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/shared/events"
)

// A Topic is a Pub/Sub topic as a Publisher.
type Topic struct {
	name      string
	publisher *pubsub.Publisher
}

// New returns the topic of that name in the client's project.
func New(client *pubsub.Client, name string) *Topic {
	return &Topic{name: name, publisher: client.Publisher(name)}
}

// Publish sends messages in as few requests as possible, and waits until the topic has accepted all of them.
func (t *Topic) Publish(ctx context.Context, messages ...events.Message) error {
	results := make([]*pubsub.PublishResult, len(messages))
	for i, m := range messages {
		m = m.Traced(ctx)
		results[i] = t.publisher.Publish(ctx, &pubsub.Message{Data: m.Data, Attributes: m.Attributes})
	}
	t.publisher.Flush()
	for _, r := range results {
		if _, err := r.Get(ctx); err != nil {
			return fmt.Errorf("publishing to topic %s: %w", t.name, err)
		}
	}
	return nil
}
