package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 15 * time.Second
	// defaultMaxWait is longer than a GPU server takes to load its models.
	defaultMaxWait = 400 * time.Second
)

// A Retry says how long a server is waited for that is starting, full or away.
type Retry struct {
	MaxWait time.Duration // from the first failure; 400 s if 0
	// OnWait gets the reason before every pause, and until when the server is waited for, from several goroutines. Nil
	// reports nothing.
	OnWait func(err error, until time.Time)
	// Advice is the scorer.Wait's of what waits.
	Advice string
}

// WithDefaults replaces zero fields by their defaults.
func (r Retry) WithDefaults() Retry {
	r.MaxWait = cmp.Or(r.MaxWait, defaultMaxWait)
	if r.OnWait == nil {
		r.OnWait = func(error, time.Time) {}
	}
	return r
}

// Do calls try until its error is not a LaterError, and a BrokenError at most maxBroken times. It returns the last
// error when the server is not ready within MaxWait, and the context's error with the last one when ctx ends, or would
// end during a pause: these are scorer.ErrUnavailable after a LaterError. r has its defaults.
func (r Retry) Do(ctx context.Context, maxBroken int, try func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	var since time.Time // of the first failure; waiting for a slot is not a failure
	for broken := 0; ; {
		err := try()
		later, isLater := errors.AsType[LaterError](err)
		isBroken := IsBroken(err)
		if isBroken {
			broken++
		}
		if !isLater && (!isBroken || broken >= maxBroken) {
			return err
		}
		pause := pauses.NextBackOff()
		if later.After > 0 {
			// Requests that were refused together must not all be repeated together.
			pause = later.After + rand.N(later.After/4+1)
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since)+pause > r.MaxWait {
			return away(isLater, fmt.Errorf("not ready within %v: %w", r.MaxWait, err))
		}
		r.OnWait(err, since.Add(r.MaxWait))
		scorer.ReportWait(ctx, scorer.Wait{Why: err, Advice: r.Advice})
		if ended := sleep(ctx, pause); ended != nil {
			return away(isLater, fmt.Errorf("%w while waiting: %w", ended, err))
		}
	}
}

// away is an error of waiting without success. If the server took no request, the scorer is unavailable, and no sample
// is the cause.
func away(isLater bool, err error) error {
	if isLater {
		return Unavailable(err)
	}
	return err
}

// Unavailable is an error that wraps scorer.ErrUnavailable: err itself if it does.
func Unavailable(err error) error {
	if errors.Is(err, scorer.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", scorer.ErrUnavailable, err)
}

// sleep pauses. Its error is that of ctx if ctx ends before the pause would.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
