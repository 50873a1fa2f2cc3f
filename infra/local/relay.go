package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/shared/events"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Retry is a policy of delivering again.
type Retry struct {
	Min, Max time.Duration // the pause after the first failure, doubled up to Max
}

// DefaultRetry has shorter pauses than the cloud: what fails on one machine is seldom overloaded.
func DefaultRetry() Retry {
	return Retry{Min: 500 * time.Millisecond, Max: 30 * time.Second}
}

// maxOutstanding is how many messages of a subscription the relay holds, those that wait for their next attempt
// included.
const maxOutstanding = 1000

// deliveryTimeout is the cloud's longest push request.
const deliveryTimeout = 600 * time.Second

// A relay delivers messages to push endpoints. pstest has none of that.
type relay struct {
	client    *pubsub.Client
	log       *slog.Logger
	retry     Retry
	duplicate bool
}

// run delivers a subscription's messages to url until ctx ends, or until a fault of this machine, which no further
// attempt removes: its error is that fault then.
func (r relay) run(ctx context.Context, sub events.Subscription, url string) error {
	subscriber := r.client.Subscriber(sub.Name)
	subscriber.ReceiveSettings.MaxOutstandingMessages = maxOutstanding
	subscriber.ReceiveSettings.MaxExtension = 24 * time.Hour
	slots := semaphore.NewWeighted(max(concurrency[sub.Name], 1))
	client := &http.Client{Timeout: deliveryTimeout}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for {
		err := subscriber.Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
			delivered, fault := r.deliver(ctx, slots, client, sub, url, m)
			if delivered && r.duplicate {
				delivered, fault = r.deliver(ctx, slots, client, sub, url, m)
			}
			if fault != nil {
				stop(fault)
			}
			if delivered {
				m.Ack()
			} else {
				m.Nack()
			}
		})
		switch {
		case isMachineFault(context.Cause(ctx)):
			return context.Cause(ctx)
		case ctx.Err() != nil:
			return nil
		case err == nil, status.Code(err) == codes.Canceled, status.Code(err) == codes.Unavailable:
			// The stream was lost, not the subscription: what was not acknowledged comes again.
			r.log.Info("receiving again", "subscription", sub.Name, "error", err)
		default:
			return fmt.Errorf("receiving from %s: %w", sub.Name, err)
		}
	}
}

// deliver posts a message until it is acknowledged. It reports whether it was before ctx ended or a fault of this
// machine, which is its error.
func (r relay) deliver(
	ctx context.Context, slots *semaphore.Weighted, client *http.Client, sub events.Subscription, url string,
	m *pubsub.Message,
) (bool, error) {
	pause := r.retry.Min
	for attempt := 1; ; attempt++ {
		if err := slots.Acquire(ctx, 1); err != nil {
			return false, nil
		}
		err := post(ctx, client, sub, url, m, attempt)
		slots.Release(1)
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, nil
		case isMachineFault(err):
			return false, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false, nil
		}
		pause = min(2*pause, r.retry.Max)
	}
}

// post delivers a message once.
func post(
	ctx context.Context, client *http.Client, sub events.Subscription, url string, m *pubsub.Message, attempt int,
) error {
	envelope := events.Envelope{DeliveryAttempt: attempt, Subscription: subscriptionPath(sub.Name)}
	envelope.Message.Data, envelope.Message.Attributes, envelope.Message.MessageID = m.Data, m.Attributes, m.ID
	body, err := json.Marshal(envelope)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// Read to the end, so that the connection is used again.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case resp.StatusCode == events.StatusMachineFault:
		return machineFault(strings.TrimSpace(string(text)))
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return nil
}

// A machineFault is what a function says of a fault of this machine: what is wrong with which folder, and the fix.
type machineFault string

func (f machineFault) Error() string { return string(f) }

func isMachineFault(err error) bool {
	_, fault := errors.AsType[machineFault](err)
	return fault
}
