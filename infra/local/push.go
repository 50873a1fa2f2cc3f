package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/harvest-ml/harvest/shared/events"
)

// A Push delivers a message once and returns the HTTP status of its answer, or an error if there was none. 2xx
// acknowledges the message. events.StatusMachineFault stops the queue with the error that comes with it. Anything else
// has the message redelivered. A Push must end soon after ctx.
type Push func(ctx context.Context, envelope events.Envelope) (status int, err error)

// To is a Push by HTTP, as Pub/Sub pushes to an endpoint.
func To(client *http.Client, url string) Push {
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
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		// Read to the end, so that the connection is used again.
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		switch {
		case resp.StatusCode == events.StatusMachineFault:
			return resp.StatusCode, errors.New(strings.TrimSpace(string(text)))
		case err != nil:
			return 0, fmt.Errorf("reading the answer of %s: %w", url, err)
		}
		return resp.StatusCode, nil
	}
}
