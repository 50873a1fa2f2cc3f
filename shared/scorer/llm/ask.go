package llm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// The codes of samples that the model does not rate.
const (
	// InvalidAnswer means that both answers of the model are invalid under the rubric.
	InvalidAnswer reason.Code = "invalid_answer"
	// Refused means that the server or the model refuses the sample.
	Refused reason.Code = "refused_by_model"
)

const (
	// attempts is the number of requests for a JSON answer. The second request lists the faults of the first answer.
	attempts = 2
	// contentFilter is the finish reason of an answer that the server cut off because of its content.
	contentFilter = "content_filter"
	// storeTime is the time limit for storing a paid answer, even if the delivery has ended.
	storeTime = 30 * time.Second
)

// ask requests the model's ratings of a sample, and stores the answer.
func (s *Scorer) ask(
	ctx context.Context, hash string, shown conversation, images []encodedImage,
) (stored *Answer, err error) {
	p := prompt{
		messages: messages(s.system, shown, len(images)), images: images,
		tokens: s.inputTokens(len(shown.lines), len(images)), formats: s.formats, refusals: &s.refusals,
	}
	a := &Answer{Scorer: s.id, Model: s.Model, Run: s.spending.run}
	// Reserve the cost of all attempts together. If a sample with a reservation had to reserve more, two samples could
	// wait for each other forever.
	reserved := s.maxDollars(p.tokens)
	err = s.paid(ctx, s.spending, hash, reserved, func(pay payment) (float64, error) {
		ask := s.converse
		if s.mode == scorer.ModeLogprobs {
			ask = func(ctx context.Context, p *prompt, a *Answer) error { return s.interview(ctx, p, shown, a) }
		}
		err := ask(ctx, &p, a)
		spent := a.cost(p.used, s.price)
		storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		if err != nil {
			return spent, errors.Join(err, s.store.addReceipt(storing, pay, a))
		}
		stored, err = s.store.add(storing, hash, pay, a)
		return spent, err
	})
	return stored, err
}

// cost records the usage in an answer, and returns its cost in dollars: 0 if the price is not known.
func (a *Answer) cost(used Usage, p *price) float64 {
	a.Usage = used
	if p == nil {
		return 0
	}
	dollars := p.of(used)
	a.Dollars = &dollars
	return dollars
}

// converse makes requests until an answer is valid, or until the sample cannot be rated.
func (s *Scorer) converse(ctx context.Context, p *prompt, a *Answer) error {
	for attempt := 1; ; attempt++ {
		answered, ok, err := s.replyTo(ctx, p, a)
		if err != nil || !ok {
			return err
		}
		parsed, err := parseAnswer(answered.text, s.asked)
		if err == nil {
			a.Reason, a.Ratings, a.Styles = parsed.Reason, parsed.Ratings, parsed.Styles
			if a.Digits = ratingDigits(answered, s.asked.Capabilities); a.Digits != nil {
				a.Conditional = true
			}
			return nil
		}
		if answered.finish == "length" {
			err = fmt.Errorf("it is cut off after %d tokens, which is the most; be brief (LLM_MAX_TOKENS)",
				answered.usage.OutputTokens)
		}
		if attempt == attempts {
			a.Fault = &dataset.Fault{Code: InvalidAnswer, Detail: err.Error()}
			return nil
		}
		p.messages = repeatMessages(p.messages, answered.text, err)
	}
}

// replyTo returns the reply to a prompt about a sample, and counts it. If there is no readable reply, ok is false and
// the answer has the fault.
func (s *Scorer) replyTo(ctx context.Context, p *prompt, a *Answer) (answered reply, ok bool, err error) {
	answered, err = s.answer(ctx, p)
	if fault, ofSample := asFault(err); ofSample {
		a.Fault = fault
		return answered, false, nil
	} else if err != nil {
		return answered, false, err
	}
	a.Requests++
	if answered.finish == contentFilter {
		a.Fault = &dataset.Fault{Code: Refused, Detail: "the server's content filter cut the answer off"}
		return answered, false, nil
	}
	return answered, true, nil
}

// asFault returns the fault of the sample that an error reports; ok is false if the sample is not the cause.
func asFault(err error) (fault *dataset.Fault, ok bool) {
	ofSample, ok := errors.AsType[sampleError](err)
	return ofSample.fault, ok
}
