package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// refusals is what is known of the requests that a server takes and refuses.
type refusals struct {
	trial sync.Mutex // one who finds out at a time

	mu     sync.Mutex
	lowest int // the first format that is not known to be refused
	proven map[kind]time.Time
}

// A kind of request is answered or refused as one.
type kind struct {
	level  int
	images bool
}

func (r *refusals) level() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lowest
}

// prove notes that a request which was begun then was answered.
func (r *refusals) prove(level int, images bool, begun time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proven == nil {
		r.proven = map[kind]time.Time{}
	}
	if k := (kind{level, images}); begun.After(r.proven[k]) {
		r.proven[k] = begun
	}
}

// isProven tells whether a request that was begun after a time was answered.
func (r *refusals) isProven(level int, images bool, after time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proven[kind{level, images}].After(after)
}

func (r *refusals) lower(level int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lowest = max(r.lowest, level)
}

// judge finds out what a refused request was refused for. Servers word it in many ways, so it is not
// read but tried: where a harmless request of the same kind is answered, it is the sample. An answer of before tells
// nothing: some servers say of a key that has expired what they say of a sample. Nil means that another format is taken.
func (e *Endpoint) judge(ctx context.Context, q *question, level int, refused refusedError) error {
	since := time.Now()
	e.refusals.trial.Lock()
	defer e.refusals.trial.Unlock()
	if e.refusals.level() > level {
		return nil
	}
	fault := faultError{fmt.Sprintf("%s: %s", Refused, refused.detail)}
	if e.refusals.isProven(level, q.images, since) {
		return fault
	}
	for l := level; l < len(q.format); l++ {
		begun := time.Now()
		err := e.try(ctx, q, q.images, l, 1)
		if _, again := errors.AsType[refusedError](err); again {
			continue
		} else if err != nil {
			return err
		}
		e.refusals.prove(l, q.images, begun)
		if l == level {
			return fault
		}
		e.refusals.lower(l)
		return nil
	}
	if q.images && e.try(ctx, q, false, len(q.format)-1, 1) == nil {
		return stop("%v: the model %s takes no images; name a vision model with --model or LLM_MODEL", refused.error, e.Model)
	}
	return stop("%v: every request is refused, whatever the sample; mend what it says", refused.error)
}

// try makes a harmless request under the same instructions.
func (e *Endpoint) try(ctx context.Context, q *question, images bool, level int, slots int64) error {
	text, err := conversation(&dataset.Sample{Turns: []dataset.Turn{{Text: "What colour is the square?"}, {Text: "It is grey."}}})
	if err != nil {
		return err
	}
	var shown []picture
	if images {
		square, err := greySquare()
		if err != nil {
			return err
		}
		shown = []picture{square}
	}
	trial := question{messages: q.messages[:1:1], tokens: q.tokens, format: q.format}
	trial.messages = append(trial.messages, messages("", text, shown)[1])
	_, err = e.hold(ctx, &trial, level, slots, 1)
	q.used = q.used.add(trial.used)
	return err
}

// greySquare is an image that any server can read, large enough for those that refuse small ones.
func greySquare() (picture, error) {
	square := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range square.Pix {
		square.Pix[i] = 0x80
	}
	var b bytes.Buffer
	if err := png.Encode(&b, square); err != nil {
		return picture{}, fmt.Errorf("encoding a trial image: %w", err)
	}
	return picture{"image/png", b.Bytes()}, nil
}
