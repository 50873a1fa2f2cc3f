package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/tmc/langchaingo/llms"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 15 * time.Second
	// longPause is the shortest that Options.Waiting is told of: a short one is nobody's business.
	longPause = 5 * time.Second
	// maxBroken is how often a request may break before it is made alone.
	maxBroken = 3
	// lastMoments of a delivery are too short for another request: it would be paid for and cut off.
	lastMoments = 30 * time.Second
)

// A question is a request in all the formats that it can be made in, and what it used so far.
type question struct {
	messages []llms.MessageContent
	images   bool // there are any
	tokens   int  // estimate of its input
	format   []json.RawMessage
	used     Usage
}

// exchange has a question answered. A faultError is one of the sample; every other error is a
// *scorer.StopError or one of the world.
func (e *Endpoint) exchange(ctx context.Context, q *question) (reply, error) {
	for {
		level, begun := e.refusals.level(), time.Now()
		said, err := e.hold(ctx, q, level, 1, maxBroken)
		if err == nil {
			e.refusals.prove(level, q.images, begun)
			return said, nil
		}
		if refused, ok := errors.AsType[refusedError](err); ok {
			if err := e.judge(ctx, q, level, refused); err != nil {
				return reply{}, err
			}
			continue // in another format
		}
		if broken, ok := errors.AsType[brokenError](err); ok {
			return e.isolate(ctx, q, level, broken)
		}
		return reply{}, err
	}
}

// isolate makes a request that keeps breaking with nothing else in flight. The sample takes the blame only
// where the server answers for another, and then breaks again.
func (e *Endpoint) isolate(ctx context.Context, q *question, level int, broken brokenError) (reply, error) {
	if err := e.try(ctx, q, q.images, level, int64(e.Concurrency)); err != nil {
		return reply{}, fmt.Errorf("%w; a trial request: %w", broken, err)
	}
	said, err := e.hold(ctx, q, level, int64(e.Concurrency), 1)
	still, ok := errors.AsType[brokenError](err)
	if !ok {
		return said, err
	}
	if err := e.try(ctx, q, q.images, level, int64(e.Concurrency)); err != nil {
		return reply{}, fmt.Errorf("%w; a trial request: %w", still, err)
	}
	return reply{}, faultError{fmt.Sprintf("%s: the server answers for another and fails on it each time: %v", scorer.Died, still)}
}

// hold makes a request, again and again while the server is full or away, and up to breaks times where it breaks.
func (e *Endpoint) hold(ctx context.Context, q *question, level int, slots int64, breaks int) (reply, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	var since time.Time // of the first failure: waiting for a turn is none
	for broken := 0; ; {
		said, err := e.once(ctx, q, level, slots)
		later, isLater := errors.AsType[laterError](err)
		_, isBroken := errors.AsType[brokenError](err)
		if isBroken {
			broken++
		}
		if !isLater && (!isBroken || broken == breaks) {
			return said, err
		}
		pause := pauses.NextBackOff()
		if later.after > 0 {
			// Those who were refused together must not all come back together.
			pause = later.after + rand.N(later.after/4+1)
			e.leaveAlone(later.after)
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since)+pause > e.Hold {
			return reply{}, fmt.Errorf("not ready within %v: %w", e.Hold, err)
		}
		if pause >= longPause && e.Waiting != nil {
			e.Waiting(err)
		}
		if waited := sleep(ctx, pause); waited != nil {
			return reply{}, fmt.Errorf("%w while waiting: %w", waited, err)
		}
	}
}

// once makes one request in its turn.
func (e *Endpoint) once(ctx context.Context, q *question, level int, slots int64) (reply, error) {
	if err := e.limiter.wait(ctx, q.tokens); err != nil {
		return reply{}, err
	}
	// Not held over pauses: whoever waits must not keep others from finding the server ready.
	if err := e.slots.Acquire(ctx, slots); err != nil {
		return reply{}, fmt.Errorf("waiting for a turn: %w", err)
	}
	defer e.slots.Release(slots)
	if err := sleep(ctx, time.Until(time.Unix(0, e.notBefore.Load()))); err != nil {
		return reply{}, fmt.Errorf("waiting for %s: %w", e.base, err)
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < min(lastMoments, e.Timeout) {
		return reply{}, fmt.Errorf("the delivery's time is up; the next one goes on from here: %w", context.DeadlineExceeded)
	}
	said, err := e.ask(ctx, q.messages, q.format[level])
	if err != nil {
		return reply{}, err
	}
	if said.usage == (Usage{}) { // not every server counts
		said.usage = Usage{InputTokens: q.tokens, OutputTokens: textTokens(len(said.text))}
	}
	q.used = q.used.add(said.usage)
	e.limiter.charge(said.usage.InputTokens + said.usage.OutputTokens - q.tokens)
	return said, nil
}

// leaveAlone lets no request of this process leave for a while: the server asked for it.
func (e *Endpoint) leaveAlone(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		now := e.notBefore.Load()
		if now >= until || e.notBefore.CompareAndSwap(now, until) {
			return
		}
	}
}

// sleep pauses, unless ctx ends before the pause would.
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
