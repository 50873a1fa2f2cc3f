package local

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
)

func TestPush(t *testing.T) {
	t.Parallel()
	sent := events.Envelope{DeliveryAttempt: 3, Subscription: "projects/p/subscriptions/score"}
	sent.Message.MessageID, sent.Message.Data = "7", []byte("data")
	sent.Message.Attributes = map[string]string{events.AttrTask: events.TaskShard}
	const fault = "folder /x: no space left on device; free space"
	for name, tt := range map[string]struct {
		status    int
		body, err string
		oneRun    bool // then a lost object is a machine fault
	}{
		"acknowledged":                  {status: http.StatusNoContent},
		"redelivered":                   {status: http.StatusServiceUnavailable, body: "the bucket cannot be reached"},
		"machine fault":                 {status: events.StatusMachineFault, body: fault + "\n", err: fault},
		"a long answer":                 {status: http.StatusOK, body: strings.Repeat("x", 1<<21)},
		"too many requests":             {status: http.StatusTooManyRequests},
		"a lost object":                 {status: events.StatusLost, body: fault},
		"a lost object of the only run": {status: events.StatusLost, body: fault, err: fault, oneRun: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var got events.Envelope
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(sent, got); diff != "" || r.Method != http.MethodPost {
					t.Errorf("%s (-sent +received):\n%s", r.Method, diff)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body)) // the client may not read the whole answer
			}))
			defer server.Close()
			status, err := pushTo(server.URL, tt.oneRun)(t.Context(), sent)
			want := tt.status
			if tt.oneRun {
				want = events.StatusMachineFault
			}
			if status != want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("status %d, error %v", status, err)
			}
		})
	}
}

func TestPushToNobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if status, err := pushTo(server.URL, false)(t.Context(), events.Envelope{}); err == nil {
		t.Errorf("status %d of a server that does not run", status)
	}
}

// TestSlotNames checks that all subscriptions with listed slots exist.
func TestSlotNames(t *testing.T) {
	t.Parallel()
	for name := range slots {
		if !slices.ContainsFunc(events.Subscriptions(), func(s events.Subscription) bool { return s.Name == name }) {
			t.Errorf("there is no subscription %s", name)
		}
	}
}
