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
	// maxBroken is the number of failures of a request after which it is repeated while no other request is in flight.
	maxBroken = 3
	// minRemaining is the least remaining time of a delivery at which a request is begun. With less time, the delivery
	// might end before the answer, which must be paid.
	minRemaining = 30 * time.Second
)

// A prompt has the messages of the requests for a sample, their possible formats, and their usage so far.
type prompt struct {
	messages []llms.MessageContent
	images   []encodedImage // images of the messages
	tokens   int            // estimated number of input tokens
	formats  []fields
	// maxTokens is the largest length of an answer; 0 for Config.MaxTokens.
	maxTokens int
	// refusals records the refusals of these formats.
	refusals *refusals
	used     Usage
}

// answer returns the reply to a prompt. If the sample is the cause of an error, the error is a sampleError; otherwise
// it is a *scorer.StopError or transient.
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
		// The server accepts another format: try again.
	}
}

// isolate repeats a request that failed several times, while no other request is in flight.
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

// request makes a request in one format. It repeats the request while the server is full or cannot be reached, and
// until the request has failed maxBroken times.
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
		return reply{}, fmt.Errorf("the delivery has too little time left; its redelivery continues at this sample: %w",
			context.DeadlineExceeded)
	}
	answered, err := e.send(ctx, p, p.formats[format])
	if err != nil {
		return reply{}, err
	}
	if answered.usage == (Usage{}) { // some servers do not report usage
		answered.usage = Usage{InputTokens: p.tokens, OutputTokens: textTokens(len(answered.text))}
	}
	p.used = p.used.add(answered.usage)
	e.limiter.charge(answered.usage.InputTokens + answered.usage.OutputTokens - p.tokens)
	return answered, nil
}
