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

// A Retry sets how long to wait for a server that is starting, full or unreachable.
type Retry struct {
	MaxWait time.Duration // longest wait from the first failure on; 400 s if 0
	// OnWait is called before every pause, with the reason and the time at which waiting ends, possibly from several
	// goroutines. It may be nil.
	OnWait func(err error, until time.Time)
	// Advice is the Advice of each scorer.Wait that is reported.
	Advice string
}

// WithDefaults returns r with defaults in place of zero fields.
func (r Retry) WithDefaults() Retry {
	r.MaxWait = cmp.Or(r.MaxWait, defaultMaxWait)
	if r.OnWait == nil {
		r.OnWait = func(error, time.Time) {}
	}
	return r
}

// Do calls try. It repeats the call after a LaterError, and after a BrokenError until there were maxBroken of these. If
// the server is not ready within MaxWait, Do returns the last error. If ctx ends, or would end during a pause, Do
// returns the context's error with the last error. In both cases the error is a scorer.ErrUnavailable if the last error
// is a LaterError. r must come from WithDefaults.
func (r Retry) Do(ctx context.Context, maxBroken int, try func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	var since time.Time // time of the first failure; waiting for a slot is not a failure
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
			// Add a random time, so that requests that were refused together are not repeated together.
			pause = later.After + rand.N(later.After/4+1)
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since)+pause > r.MaxWait {
			return waitError(isLater, fmt.Errorf("not ready within %v: %w", r.MaxWait, err))
		}
		r.OnWait(err, since.Add(r.MaxWait))
		scorer.ReportWait(ctx, scorer.Wait{Why: err, Advice: r.Advice})
		if ended := sleep(ctx, pause); ended != nil {
			return waitError(isLater, fmt.Errorf("%w while waiting: %w", ended, err))
		}
	}
}

// waitError returns the error for a wait without success. If the server accepted no request, the error is a
// scorer.ErrUnavailable, because no sample is the cause.
func waitError(isLater bool, err error) error {
	if isLater {
		return Unavailable(err)
	}
	return err
}

// Unavailable wraps err in scorer.ErrUnavailable; it returns err itself if it is wrapped already.
func Unavailable(err error) error {
	if errors.Is(err, scorer.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", scorer.ErrUnavailable, err)
}

// sleep pauses. It returns the error of ctx if ctx ends, or would end, before the pause.
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
