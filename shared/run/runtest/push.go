package runtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

// Push delivers a message for the first time, as Pub/Sub pushes it, and returns the status of the answer.
func Push(t testing.TB, h http.Handler, path string, m events.Message) int {
	t.Helper()
	envelope := events.Envelope{DeliveryAttempt: 1, Subscription: "projects/p/subscriptions/s"}
	envelope.Message.MessageID, envelope.Message.Attributes, envelope.Message.Data = "m1", m.Attributes, m.Data
	body, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)))
	return answer.Code
}

// PushAll delivers everything that is in a topic, or is published to it meanwhile, to the handler that route gives for
// it. It fails the test where a delivery is not acknowledged.
func PushAll(t testing.TB, from *Topic, path string, route func(events.Message) http.Handler) {
	t.Helper()
	for messages := from.Take(); len(messages) > 0; messages = from.Take() {
		for _, m := range messages {
			if status := Push(t, route(m), path, m); status != http.StatusNoContent {
				t.Fatalf("delivery of %v %s was answered %d", m.Attributes, m.Data, status)
			}
		}
	}
}
