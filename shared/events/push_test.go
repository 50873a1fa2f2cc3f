package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

var discard = slog.New(slog.DiscardHandler)

// push sends a request to a push endpoint. It returns the answer, and the delivery that handle got; nil if handle was
// not called.
func push(t *testing.T, method, body string, outcome error) (*httptest.ResponseRecorder, *events.Delivery) {
	t.Helper()
	var got *events.Delivery
	h := events.PushHandler(discard, func(_ context.Context, d events.Delivery) error {
		got = &d
		return outcome
	})
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(method, "/", strings.NewReader(body)))
	return answer, got
}

// A fault of this machine is answered with a separate status, and with a text for the program that delivers on this
// machine.
func TestPushMachineFault(t *testing.T) {
	t.Parallel()
	fault := fmt.Errorf("writing: %w", &bucket.MachineError{Folder: "/x", Err: syscall.ENOSPC})
	answer, _ := push(t, http.MethodPost, `{"message": {"messageId": "1"}}`, fault)
	if answer.Code != events.StatusMachineFault || !strings.Contains(answer.Body.String(), "folder /x") {
		t.Errorf("answered %d, %q", answer.Code, answer.Body)
	}
}

func TestPushDecodesEnvelope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		envelope string
		want     events.Delivery
	}{
		// The example of Pub/Sub's documentation, with a field that is not read.
		"whole": {
			`{"deliveryAttempt": 5, "message": {"attributes": {"key": "value"}, ` +
				`"data": "SGVsbG8gQ2xvdWQgUHViL1N1YiE=", "messageId": "2070443601311540", ` +
				`"publishTime": "2021-02-26T19:13:55.749Z"}, ` +
				`"subscription": "projects/myproject/subscriptions/mysubscription"}`,
			events.Delivery{
				Message: events.Message{Attributes: map[string]string{"key": "value"}, Data: []byte("Hello Cloud Pub/Sub!")},
				ID:      "2070443601311540", Attempt: 5, Subscription: "projects/myproject/subscriptions/mysubscription",
			},
		},
		"attempts not counted": {
			`{"message": {"attributes": {"key": "value"}, "messageId": "1"}}`,
			events.Delivery{Message: events.Message{Attributes: map[string]string{"key": "value"}}, ID: "1", Attempt: 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, got := push(t, http.MethodPost, tt.envelope, nil)
			if answer.Code != http.StatusNoContent {
				t.Errorf("answered %d, want 204", answer.Code)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("delivery (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPushRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, body string
		status       int
	}{
		"another method":    {http.MethodGet, "", http.StatusMethodNotAllowed},
		"nothing":           {http.MethodPost, "", http.StatusBadRequest},
		"no JSON":           {http.MethodPost, "hello", http.StatusBadRequest},
		"cut off":           {http.MethodPost, `{"message": {"messageId": "1"`, http.StatusBadRequest},
		"no base64":         {http.MethodPost, `{"message": {"messageId": "1", "data": "~"}}`, http.StatusBadRequest},
		"null":              {http.MethodPost, `null`, http.StatusBadRequest},
		"unwrapped payload": {http.MethodPost, `{"run": "demo-0123456789ab", "range": 0}`, http.StatusBadRequest},
		"too large": {
			http.MethodPost, `{"message": {"messageId": "1", "data": "` + strings.Repeat("A", 16<<20) + `"}}`,
			http.StatusBadRequest,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, got := push(t, tt.method, tt.body, nil)
			if answer.Code != tt.status || got != nil {
				t.Errorf("answered %d and delivered %v, want %d and nothing", answer.Code, got, tt.status)
			}
			if allow := answer.Header().Get("Allow"); tt.status == http.StatusMethodNotAllowed && allow != http.MethodPost {
				t.Errorf("Allow: %q, want POST", allow)
			}
		})
	}
}

func TestPushAnswersOutcome(t *testing.T) {
	t.Parallel()
	transient := errors.New("the bucket cannot be reached")
	tests := map[string]struct {
		outcome error
		status  int
		level   string // of the log line
	}{
		"done":               {nil, http.StatusNoContent, ""},
		"no permanent error": {events.DataError(nil), http.StatusNoContent, ""},
		"removed":            {events.DataError(fmt.Errorf("run a %w", events.ErrRemoved)), http.StatusNoContent, ""},
		"permanent":          {events.DataError(errors.New("no such run")), http.StatusNoContent, "ERROR"},
		"permanent, wrapped": {
			fmt.Errorf("scoring: %w", events.DataError(errors.New("no such shard"))), http.StatusNoContent, "ERROR",
		},
		"transient":          {transient, http.StatusServiceUnavailable, "WARN"},
		"transient, wrapped": {fmt.Errorf("reading the plan: %w", transient), http.StatusServiceUnavailable, "WARN"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged strings.Builder
			h := events.PushHandler(slog.New(slog.NewJSONHandler(&logged, nil)),
				func(context.Context, events.Delivery) error { return tt.outcome })
			answer := httptest.NewRecorder()
			const data = "eyJydW4iOiAiZGVtby0xIn0=" // {"run": "demo-1"}
			body := strings.NewReader(`{"message": {"messageId": "17", "data": "` + data +
				`", "attributes": {"objectId": "datasets/demo/a.json"}}, "deliveryAttempt": 3}`)
			h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", body))
			if answer.Code != tt.status {
				t.Errorf("answered %d, want %d", answer.Code, tt.status)
			}
			if tt.level == "" {
				if logged.Len() > 0 {
					t.Errorf("logged %s", logged.String())
				}
				return
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(logged.String()), &line); err != nil {
				t.Fatalf("logged %q, want one line: %v", logged.String(), err)
			}
			delete(line, "time")
			delete(line, "msg")
			want := map[string]any{
				"level": tt.level, "message_id": "17", "attempt": 3.0, "error": tt.outcome.Error(),
				"object": "datasets/demo/a.json", "run": "demo-1",
			}
			if diff := cmp.Diff(want, line); diff != "" {
				t.Errorf("logged (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPushEndsDeliveries(t *testing.T) {
	t.Parallel()
	h := events.PushHandler(discard, func(ctx context.Context, _ events.Delivery) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 590*time.Second {
			t.Errorf("the delivery's deadline is %v (%v), want one before Cloud Run's", deadline, ok)
		}
		return nil
	})
	h.ServeHTTP(httptest.NewRecorder(),
		httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"message": {"messageId": "1"}}`)))
}

func TestDecodeFailureIsOfTheData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "{", `{"run": 7}`, `[]`} {
		var task events.RangeTask
		if err := (events.Delivery{Message: events.Message{Data: []byte(data)}}).Decode(&task); !events.IsDataError(err) {
			t.Errorf("decoding %q: %v, want a data error", data, err)
		}
	}
	if events.IsDataError(io.EOF) {
		t.Error("io.EOF is a data error")
	}
}

// The endpoint answers any request, and calls its function only with valid deliveries.
func FuzzPush(f *testing.F) {
	for _, body := range []string{
		`{"message": {"messageId": "1", "data": "e30="}, "deliveryAttempt": -1}`, `{}`, `[`, `{"message": null}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, got := push(t, http.MethodPost, string(body), nil)
		switch {
		case got == nil && answer.Code == http.StatusBadRequest:
		case got != nil && answer.Code == http.StatusNoContent && got.ID != "" && got.Attempt >= 1:
		default:
			t.Errorf("answered %d with delivery %+v", answer.Code, got)
		}
	})
}
