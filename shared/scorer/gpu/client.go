package gpu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/harvest-ml/harvest/shared/telemetry"
	"golang.org/x/sync/semaphore"
)

const (
	// inFlight is how many requests a sidecar has at once: one runs, and the next one's images arrive meanwhile.
	inFlight = 2
	// maxAnswer bounds the body of an answer: some 200 bytes for each query of some thousand items.
	maxAnswer = 64 << 20
	// maxRefusal bounds how much of a refusal is quoted.
	maxRefusal = 300
)

// A client talks to one sidecar, for all scorers of the process.
type client struct {
	base string
	Options
	// places are taken by requests: one by an ordinary one, all by one that may kill the sidecar, so
	// that no other is taken for the killer.
	places *semaphore.Weighted
}

func newClient(base string, o Options) *client {
	return &client{base: base, Options: o, places: semaphore.NewWeighted(inFlight)}
}

// A laterError says that the sidecar is not there or takes nothing at present.
type laterError struct {
	error
	after time.Duration // what the sidecar asks to be given; 0 if it does not say
}

func (e laterError) Unwrap() error { return e.error }

// A brokenError says that a request was begun and came to no end: the sidecar died, failed or stalled on it.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// errTooLarge says that a request has more bytes or items than the sidecar takes.
var errTooLarge = errors.New("the request is too large")

// call makes one request and decodes its answer into v. Its error is a laterError, a brokenError, errTooLarge, or final.
func (c *client) call(ctx context.Context, method, path string, body []byte, v any) error {
	within, cancel := context.WithTimeout(ctx, c.Answer)
	defer cancel()
	req, err := http.NewRequestWithContext(within, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the sidecar: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
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
		return fmt.Errorf("asking the sidecar at %s: %w", c.base, context.Cause(ctx))
	case err != nil && notReached(err):
		return laterError{error: fmt.Errorf("the sidecar at %s is not reached: %w", c.base, err)}
	case err != nil:
		return brokenError{fmt.Errorf("the sidecar at %s did not answer: %w", c.base, err)}
	case resp.StatusCode != http.StatusOK:
		return c.refused(resp, data)
	case len(data) > maxAnswer:
		return c.nonsense(fmt.Errorf("more than %d bytes", maxAnswer))
	}
	if err := json.Unmarshal(data, v); err != nil {
		return c.nonsense(err)
	}
	return nil
}

// notReached tells whether a request failed before the sidecar had any of it.
func notReached(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func (c *client) nonsense(err error) error {
	return fmt.Errorf("the sidecar at %s answers what is no answer: %w", c.base, err)
}

func (c *client) refused(resp *http.Response, body []byte) error {
	detail := string(body)
	var r refusal
	if err := json.Unmarshal(body, &r); err == nil && r.Error.Detail != "" {
		detail = r.Error.Detail
	}
	err := fmt.Errorf("the sidecar at %s answered %s: %q", c.base, resp.Status, detail[:min(len(detail), maxRefusal)])
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return laterError{error: err, after: retryAfter(resp.Header.Get("Retry-After"))}
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", errTooLarge, err)
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return brokenError{err}
	default:
		return err
	}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}

// ready waits until the sidecar is ready, whatever is the matter with it now.
func (c *client) ready(ctx context.Context) error {
	return c.hold(ctx, func() error {
		err := c.call(ctx, http.MethodGet, "/healthz", nil, &struct{}{})
		if broken, ok := errors.AsType[brokenError](err); ok {
			return laterError{error: broken}
		}
		return err
	})
}
