package gpu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

const (
	// inFlight is the number of concurrent requests to a sidecar that states no preference: while one request is computed,
	// the images of the next arrive.
	inFlight = 2
	// maxAnswer is the largest accepted body of an answer, in bytes. An answer has about 200 bytes for each query, so the
	// queries of more than a thousand items fit.
	maxAnswer = 64 << 20
)

// A client makes the requests to one sidecar, for all scorers of the process.
type client struct {
	base string
	Options
	throttle *remote.Throttle
	load     atomic.Int64 // requests in flight, or waiting for a slot

	mu        sync.Mutex
	downUntil time.Time     // until then, requests go to other sidecars first
	pause     time.Duration // the length of the latest time without requests
}

func newClient(base string, o Options) *client {
	return &client{base: base, Options: o, throttle: remote.NewThrottle(inFlight)}
}

// errTooLarge is the error for a request with more bytes or items than the sidecar accepts.
var errTooLarge = errors.New("the request is too large")

// call makes one request and decodes the answer into v. The error is a remote.LaterError, a remote.BrokenError,
// errTooLarge, the error of ctx, or permanent.
func (c *client) call(ctx context.Context, method, path string, body []byte, v any) error {
	within, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(within, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making a request to the sidecar: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(partial, "1")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	req, ended := telemetry.Sidecar(req)
	resp, err := c.Client.Do(req)
	var data []byte
	status := 0
	if err == nil {
		defer resp.Body.Close()
		status = resp.StatusCode
		data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	}
	ended(status, err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("calling the sidecar at %s: %w", c.base, context.Cause(ctx))
	case err != nil:
		return remote.TransportError("the sidecar at "+c.base, err)
	case status != http.StatusOK:
		return c.refused(resp, data)
	case len(data) > maxAnswer:
		return c.invalid(fmt.Errorf("more than %d bytes", maxAnswer))
	}
	if err := json.Unmarshal(data, v); err != nil {
		return c.invalid(err)
	}
	return nil
}

// invalid returns the error for an answer that does not follow the protocol.
func (c *client) invalid(err error) error {
	return fmt.Errorf("the sidecar at %s sends an invalid answer: %w", c.base, err)
}

func (c *client) refused(resp *http.Response, body []byte) error {
	detail := string(body)
	var r refusal
	if err := json.Unmarshal(body, &r); err == nil && r.Error.Detail != "" {
		detail = r.Error.Detail
	}
	err := fmt.Errorf("the sidecar at %s answered %s: %q", c.base, resp.Status, remote.Quote(detail))
	switch resp.StatusCode {
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", errTooLarge, err)
	case http.StatusUnauthorized:
		return &scorer.StopError{Reason: fmt.Sprintf("%v: set GPU_SIDECAR_TOKEN to its SIDECAR_TOKEN", err)}
	}
	return remote.StatusError(resp.StatusCode, resp.Header, err)
}
