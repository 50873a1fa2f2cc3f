package llm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tmc/langchaingo/llms"

	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

const (
	// maxBroken is how often a request may break before it is made alone.
	maxBroken = 3
	// minRemaining is the least remaining time of a delivery for beginning a request. A shorter one would be paid for and
	// cut off.
	minRemaining = 30 * time.Second
)

// A prompt has the messages of a sample's requests, their possible formats, and their usage so far.
type prompt struct {
	messages []llms.MessageContent
	images   []encodedImage // images of the messages
	tokens   int            // estimate of its input
	formats  []fields
	// maxTokens is the longest answer; 0 for Config.MaxTokens.
	maxTokens int
	// refusals records the refused requests in these formats.
	refusals *refusals
	used     Usage
}

// answer returns the reply to a prompt. Its error is a sampleError if the sample is the cause, else a *scorer.StopError
// or transient.
func (e *Endpoint) answer(ctx context.Context, p *prompt) (reply, error) {
	for {
		format, begun := p.refusals.format(), time.Now()
		answered, err := e.request(ctx, p, format, false, maxBroken)
		refused, isRefused := errors.AsType[refusedError](err)
		switch {
		case err == nil:
			p.refusals.noteAnswer(requestShape{format, len(p.images) > 0}, begun)
			return answered, nil
		case remote.IsBroken(err):
			return e.isolate(ctx, p, format)
		case !isRefused:
			return reply{}, err
		}
		if err := e.diagnose(ctx, p, format, refused); err != nil {
			return reply{}, err
		}
		// The server takes another format.
	}
}

// isolate repeats a request that broke several times, while no other request is in flight.
func (e *Endpoint) isolate(ctx context.Context, p *prompt, format int) (reply, error) {
	var answered reply
	err := remote.Isolate(
		func() (err error) {
			answered, err = e.request(ctx, p, format, true, 1)
			return err
		},
		func() error { return e.trial(ctx, p, len(p.images) > 0, format, true) })
	if died, ok := errors.AsType[remote.DiedError](err); ok {
		return reply{}, sampleError{died.Fault()}
	}
	return answered, err
}

// request makes a request in one format. It repeats it while the server is full or cannot be reached, and until it has
// broken maxBroken times.
func (e *Endpoint) request(ctx context.Context, p *prompt, format int, alone bool, maxBroken int) (reply, error) {
	var answered reply
	err := e.Retry.Do(ctx, maxBroken, func() error {
		if err := e.limiter.wait(ctx, p.tokens); err != nil {
			return err
		}
		return e.throttle.Do(ctx, alone, func() (err error) {
			answered, err = e.attempt(ctx, p, format)
			return err
		})
	})
	return answered, err
}

// attempt makes one request.
func (e *Endpoint) attempt(ctx context.Context, p *prompt, format int) (reply, error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < min(minRemaining, e.Timeout) {
		return reply{}, fmt.Errorf("the delivery's time is up; the next one continues here: %w", context.DeadlineExceeded)
	}
	answered, err := e.send(ctx, p, p.formats[format])
	if err != nil {
		return reply{}, err
	}
	if answered.usage == (Usage{}) { // not every server reports usage
		answered.usage = Usage{InputTokens: p.tokens, OutputTokens: textTokens(len(answered.text))}
	}
	p.used = p.used.add(answered.usage)
	e.limiter.charge(answered.usage.InputTokens + answered.usage.OutputTokens - p.tokens)
	return answered, nil
}
