package llm

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// bursts is the number of bursts into which the limit of a minute is divided. Small bursts keep every minute close to
// the limit.
const bursts = 10

// A limiter keeps the requests and tokens of this process within the limits per minute.
type limiter struct{ requests, tokens *rate.Limiter }

func newLimiter(c Config) *limiter {
	return &limiter{requests: perMinute(c.RequestsPerMinute), tokens: perMinute(c.TokensPerMinute)}
}

func perMinute(n int) *rate.Limiter {
	if n == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(float64(n)/time.Minute.Seconds()), max(n/bursts, 1))
}

// wait waits until a request with this number of tokens may be made.
func (l *limiter) wait(ctx context.Context, tokens int) error {
	if err := l.requests.Wait(ctx); err != nil {
		return fmt.Errorf("waiting for LLM_REQUESTS_PER_MINUTE: %w", err)
	}
	if l.tokens.Limit() == rate.Inf {
		return nil
	}
	for tokens > 0 { // a request may have more tokens than a burst
		chunk := min(tokens, l.tokens.Burst())
		if err := l.tokens.WaitN(ctx, chunk); err != nil {
			return fmt.Errorf("waiting for LLM_TOKENS_PER_MINUTE: %w", err)
		}
		tokens -= chunk
	}
	return nil
}

// charge counts tokens that a request used beyond its estimate, so that later requests wait for them.
func (l *limiter) charge(tokens int) {
	if l.tokens.Limit() == rate.Inf {
		return
	}
	for tokens > 0 {
		chunk := min(tokens, l.tokens.Burst())
		l.tokens.ReserveN(time.Now(), chunk)
		tokens -= chunk
	}
}
