package runtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

// Push delivers a message for the first time, as Pub/Sub does, and returns the HTTP status of the response.
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
