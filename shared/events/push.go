package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// maxEnvelope is the largest push request in bytes: Pub/Sub's largest message, 10 MB, in base64, and its envelope.
const maxEnvelope = 16 << 20

// DeliveryDeadline ends a delivery that hangs. It is shorter than Pub/Sub's own deadline, so that the delivery is still
// answered and logged.
const DeliveryDeadline = 540 * time.Second

// A Delivery is one message that was pushed to a function.
type Delivery struct {
	Message
	ID           string // the message's id: the same in every delivery of a message
	Attempt      int    // from 1; always 1 if the subscription does not count attempts
	Subscription string
}

// Decode reads the delivery's data, which is JSON, into v. A failure is a permanent error, because a redelivery would
// fail too.
func (d Delivery) Decode(v any) error {
	if err := json.Unmarshal(d.Data, v); err != nil {
		return DataError(fmt.Errorf("decoding message %s: %w", d.ID, err))
	}
	return nil
}

type dataError struct{ error }

func (e dataError) Unwrap() error { return e.error }

// DataError marks an error as permanent: a redelivery would fail in the same way, so the message is acknowledged.
// Every other error is transient, and the message is redelivered.
func DataError(err error) error {
	if err == nil {
		return nil
	}
	return dataError{err}
}

// IsDataError reports whether an error is permanent.
func IsDataError(err error) bool {
	var d dataError
	return errors.As(err, &d)
}

// ErrRemoved is the cause of a DataError about work that a person has removed. Such an error is not logged as a fault.
var ErrRemoved = errors.New("was removed")

// Envelope is the body of a push request, in Pub/Sub's form.
// Source: https://cloud.google.com/pubsub/docs/push#properties_of_a_push_request
type Envelope struct {
	Message struct {
		Data       []byte            `json:"data,omitempty"`
		Attributes map[string]string `json:"attributes,omitempty"`
		MessageID  string            `json:"messageId"`
	} `json:"message"`
	DeliveryAttempt int    `json:"deliveryAttempt,omitempty"`
	Subscription    string `json:"subscription"`
}

// PushHandler returns the endpoint of a push subscription. It decodes the envelope, calls handle, and answers 204 to
// acknowledge the delivery or 503 to have it redelivered. It is the only place that turns an error of handle into a
// status. nil and a DataError acknowledge the delivery. After a bucket.MachineError the status is StatusMachineFault,
// and after a bucket.LostError it is StatusLost. A request that is not a push is answered 400 or 405.
func PushHandler(log *slog.Logger, handle func(context.Context, Delivery) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "this is the endpoint of a push subscription; use POST", http.StatusMethodNotAllowed)
			return
		}
		var env Envelope
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEnvelope)).Decode(&env); err != nil {
			http.Error(w, "decoding push envelope: "+err.Error(), http.StatusBadRequest)
			return
		}
		// A subscription with payload unwrapping pushes data without an envelope. The delivery is refused, so that it is
		// redelivered. Acknowledging it would lose it.
		if env.Message.MessageID == "" {
			const fault = "decoding push envelope: it has no message.messageId; payload unwrapping must be off"
			http.Error(w, fault, http.StatusBadRequest)
			return
		}
		d := Delivery{
			Message:      Message{Attributes: env.Message.Attributes, Data: env.Message.Data},
			ID:           env.Message.MessageID,
			Attempt:      max(env.DeliveryAttempt, 1),
			Subscription: env.Subscription,
		}
		log := log.With("message_id", d.ID, "attempt", d.Attempt).With(d.subject()...)
		ctx, cancel := context.WithTimeout(r.Context(), DeliveryDeadline)
		defer cancel()
		begin := time.Now()
		ctx, ended := telemetry.Start(ctx, d.run(), d.kind(), d.Attributes[telemetry.Traceparent], trace.SpanKindConsumer,
			attribute.String("messaging.message.id", d.ID), attribute.Int("harvest.attempt", d.Attempt))
		err := handle(ctx, d)
		outcome := telemetry.Done
		machine, _ := errors.AsType[*bucket.MachineError](err)
		lost, _ := errors.AsType[*bucket.LostError](err)
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case IsDataError(err):
			outcome = telemetry.Refused
			log.Log(ctx, levelOf(err), "message acknowledged: it can never succeed", "error", err)
			w.WriteHeader(http.StatusNoContent)
		case lost != nil:
			outcome = telemetry.Redelivered
			log.ErrorContext(ctx, "message will be delivered again, without success until an object is restored", "error", err)
			http.Error(w, lost.Error(), StatusLost)
		case machine != nil:
			outcome = telemetry.Redelivered
			http.Error(w, machine.Error(), StatusMachineFault)
		default:
			outcome = telemetry.Redelivered
			log.WarnContext(ctx, "message will be delivered again", "error", err)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
		ended(err)
		telemetry.Delivered(ctx, d.kind(), outcome, time.Since(begin))
	})
}

// levelOf returns the level at which a DataError is logged.
func levelOf(err error) slog.Level {
	if errors.Is(err, ErrRemoved) {
		return slog.LevelDebug
	}
	return slog.LevelError
}

// StatusMachineFault is the status of a delivery that failed by a fault of this machine, a bucket.MachineError: on one
// machine, the queue then stops and reports the answer's text. Pub/Sub redelivers as after any other failure.
const StatusMachineFault = http.StatusInsufficientStorage

// StatusLost is the status of a delivery that failed by a bucket.LostError. A command, which works on only one run,
// stops and reports the text of the answer. In a service the message is redelivered until a person has restored the
// object.
const StatusLost = http.StatusGone

// run returns the run of a delivery; empty if the delivery has no run. All tasks and events have the run in the same
// field.
func (d Delivery) run() string {
	var of struct {
		Run string `json:"run"`
	}
	_ = json.Unmarshal(d.Data, &of) // handlers that need the data report its errors
	return of.Run
}

// subject returns the subject of a delivery for the log: the new object, or the run.
func (d Delivery) subject() []any {
	var subject []any
	if object := d.Attributes[AttrObject]; object != "" {
		subject = append(subject, "object", object)
	}
	if run := d.run(); run != "" {
		subject = append(subject, "run", run)
	}
	return subject
}

// kind returns the kind of a delivery in a few words.
func (d Delivery) kind() string {
	return cmp.Or(d.Attributes[AttrTask], d.Attributes[AttrType], "upload")
}
