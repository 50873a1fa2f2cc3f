package llm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The kinds of reason of samples that the model does not rate.
const (
	// InvalidAnswer: the model's answer does not hold against the rubric, nor does the one it gave in its place.
	InvalidAnswer = "invalid answer"
	// Refused: the server or the model will not look at the sample.
	Refused = "refused by the model"
)

const (
	// attempts is how often a sample is asked for: the second time with the fault of the first answer.
	attempts = 2
	// keepTime is how long an answer that is paid for may take to be stored, even if its delivery has ended.
	keepTime = 30 * time.Second
)

// A faultError is a fault of a sample, with its kind first.
type faultError struct{ reason string }

func (e faultError) Error() string { return e.reason }

// buy has a sample rated, and keeps the answer.
func (s *Scorer) buy(ctx context.Context, hash, text string, images []picture) (*Answer, error) {
	q := question{
		messages: messages(s.system, text, images), images: len(images) > 0,
		tokens: s.inputTokens(len(text), len(images)), format: s.formats,
	}
	a := &Answer{Scorer: s.id, Model: s.Model, Run: s.account.run}
	// For all attempts at once: whoever waited for more while holding some could wait for ever.
	reserved := attempts * s.most(q.tokens)
	if err := s.account.reserve(ctx, reserved); err != nil {
		return nil, err
	}
	spent := 0.0
	defer func() { s.account.pay(reserved, spent) }()

	err := s.converse(ctx, &q, a)
	a.Usage = q.used
	if s.price != nil {
		spent = s.price.of(a.Usage)
		a.Dollars = &spent
	}
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err != nil {
		return nil, errors.Join(err, s.memory.receipt(keeping, hash, a))
	}
	return s.memory.keep(keeping, hash, a)
}

// converse asks until there is an answer that holds, or a fault.
func (s *Scorer) converse(ctx context.Context, q *question, a *Answer) error {
	for {
		said, err := s.exchange(ctx, q)
		if fault, ok := errors.AsType[faultError](err); ok {
			a.Fault = fault.reason
			return nil
		} else if err != nil {
			return err
		}
		a.Requests++
		if said.finish == "content_filter" {
			a.Fault = Refused + ": its content filter cut the answer off"
			return nil
		}
		rated, err := read(said.text, s.rubric)
		if err == nil {
			a.Reason, a.Ratings, a.Styles = rated.Reason, rated.Ratings, rated.Styles
			return nil
		}
		if said.finish == "length" {
			err = fmt.Errorf("it is cut off after %d tokens, which is the most; be brief (LLM_MAX_TOKENS)", said.usage.OutputTokens)
		}
		if a.Requests == attempts {
			a.Fault = fmt.Sprintf("%s: %v", InvalidAnswer, err)
			return nil
		}
		q.messages = again(q.messages, said.text, err)
	}
}
