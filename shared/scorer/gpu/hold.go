package gpu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 15 * time.Second
	// longPause is the shortest that Options.Waiting is told of: a short one is nobody's business.
	longPause = 5 * time.Second
)

// hold repeats what is refused until later, and gives up after Options.Hold.
func (c *client) hold(ctx context.Context, try func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := try()
		last = err
		later, ok := errors.AsType[laterError](err)
		switch {
		case err == nil:
			return struct{}{}, nil
		case !ok:
			return struct{}{}, backoff.Permanent(err)
		case later.after > 0:
			// Those who were refused together must not all come back together.
			after := later.after + rand.N(later.after/4+1)
			return struct{}{}, &backoff.RetryAfterError{Duration: after}
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(c.Hold), backoff.WithNotify(func(_ error, pause time.Duration) {
		if pause >= longPause && c.Waiting != nil {
			c.Waiting(last)
		}
	}))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w while waiting: %w", context.Cause(ctx), last)
	}
	if _, later := errors.AsType[laterError](last); later {
		return fmt.Errorf("not ready within %v: %w", c.Hold, last)
	}
	return last
}
