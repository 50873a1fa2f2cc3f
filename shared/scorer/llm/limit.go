package llm

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// bursts is how many equal parts of a minute's allowance may be asked at once: so little that no minute
// has much more than its own.
const bursts = 10

// A limiter keeps requests and tokens of this process below what may be asked in a minute.
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

// wait waits until a request of so many tokens may be made.
func (l *limiter) wait(ctx context.Context, tokens int) error {
	if err := l.requests.Wait(ctx); err != nil {
		return fmt.Errorf("waiting for LLM_REQUESTS_PER_MINUTE: %w", err)
	}
	if l.tokens.Limit() == rate.Inf {
		return nil
	}
	for tokens > 0 { // in parts, because a request may have more tokens than a burst
		part := min(tokens, l.tokens.Burst())
		if err := l.tokens.WaitN(ctx, part); err != nil {
			return fmt.Errorf("waiting for LLM_TOKENS_PER_MINUTE: %w", err)
		}
		tokens -= part
	}
	return nil
}

// charge takes tokens that a request used beyond what it was let in for: the next ones wait for them.
func (l *limiter) charge(tokens int) {
	if l.tokens.Limit() == rate.Inf {
		return
	}
	for tokens > 0 {
		part := min(tokens, l.tokens.Burst())
		l.tokens.ReserveN(time.Now(), part)
		tokens -= part
	}
}
