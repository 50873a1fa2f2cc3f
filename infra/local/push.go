package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/events"
)

// pushTo returns a function that delivers messages to a URL over HTTP, as Pub/Sub does. A fault of this machine stops
// the system. If oneRun is set, a lost object stops it, too, because there is no other run to continue.
func pushTo(url string, oneRun bool) queue.Push {
	return func(ctx context.Context, envelope events.Envelope) (int, error) {
		body, err := json.Marshal(envelope)
		if err != nil {
			return 0, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		// Read the body to the end, so that the connection can be reused.
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		switch {
		case resp.StatusCode == events.StatusMachineFault, oneRun && resp.StatusCode == events.StatusLost:
			return events.StatusMachineFault, errors.New(strings.TrimSpace(string(text)))
		case err != nil:
			return 0, fmt.Errorf("reading the answer of %s: %w", url, err)
		}
		return resp.StatusCode, nil
	}
}
