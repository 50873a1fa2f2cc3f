// Package topic publishes to topics of Pub/Sub, apart from package events so that only programs that need them link
// its client.
package topic

import (
	"context"
	"fmt"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/shared/events"
)

// Topic is a Pub/Sub topic as a Publisher.
type Topic struct {
	name      string
	publisher *pubsub.Publisher
}

// New is the topic of that name, of the client's project.
func New(client *pubsub.Client, name string) *Topic {
	return &Topic{name: name, publisher: client.Publisher(name)}
}

// Publish sends messages in as few requests as they fit, and waits until the topic has them all.
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
