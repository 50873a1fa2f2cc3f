package llm

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// refusals is what is known of the requests that a server answers and refuses.
type refusals struct {
	diagnosis sync.Mutex // one at a time

	mu       sync.Mutex
	first    int                        // the first format that is not known to be refused
	answered map[requestShape]time.Time // when the latest answered request of a shape was begun
}

// A requestShape is what decides, in addition to the sample, whether a request is answered or refused.
type requestShape struct {
	format    int
	hasImages bool
}

// format is the number of the format that requests are made in.
func (r *refusals) format() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// noteAnswer notes that a request which was begun then was answered.
func (r *refusals) noteAnswer(shape requestShape, begun time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered == nil {
		r.answered = map[requestShape]time.Time{}
	}
	if begun.After(r.answered[shape]) {
		r.answered[shape] = begun
	}
}

// answeredSince reports whether a request that was begun after a time was answered.
func (r *refusals) answeredSince(shape requestShape, since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered[shape].After(since)
}

// refuse notes that the server takes only the formats from a number on.
func (r *refusals) refuse(first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first = max(r.first, first)
}

// diagnose finds out what a refused request was refused for. Servers word it in many ways, so it is not read but
// tried: where a harmless request of the same shape is answered, it is the sample. An earlier answer proves nothing:
// some servers report a key that has expired as they report an invalid sample. Nil means that another format is taken.
func (e *Endpoint) diagnose(ctx context.Context, p *prompt, format int, refused refusedError) error {
	since := time.Now()
	p.refusals.diagnosis.Lock()
	defer p.refusals.diagnosis.Unlock()
	if p.refusals.format() > format {
		return nil
	}
	ofSample := sampleError{&dataset.Fault{Code: Refused, Detail: refused.detail}}
	if p.refusals.answeredSince(requestShape{format, len(p.images) > 0}, since) {
		return ofSample
	}
	for f := format; f < len(p.formats); f++ {
		begun := time.Now()
		err := e.trial(ctx, p, len(p.images) > 0, f, false)
		if isRefused(err) {
			continue
		} else if err != nil {
			return err
		}
		p.refusals.noteAnswer(requestShape{f, len(p.images) > 0}, begun)
		if f == format {
			return ofSample
		}
		p.refusals.refuse(f)
		return nil
	}
	if len(p.images) > 0 && e.trial(ctx, p, false, len(p.formats)-1, false) == nil {
		return stopError("%v: the model %s takes no images; name a vision model with --model or LLM_MODEL",
			refused.error, e.Model)
	}
	return stopError("%v: every request is refused, whatever the sample; fix what it says", refused.error)
}

// trial makes a harmless request under the instructions of a prompt. The prompt counts what it used.
func (e *Endpoint) trial(ctx context.Context, p *prompt, withImage bool, format int, alone bool) error {
	shown, err := newConversation(harmlessSample())
	if err != nil {
		return err
	}
	var images []encodedImage
	if withImage {
		square, err := greySquare()
		if err != nil {
			return err
		}
		images = []encodedImage{square}
	}
	trial := prompt{messages: p.messages[:1:1], images: images, tokens: p.tokens, formats: p.formats,
		maxTokens: p.maxTokens, refusals: p.refusals}
	trial.messages = append(trial.messages, messages("", shown, len(images))[1])
	_, err = e.request(ctx, &trial, format, alone, 1)
	p.used = p.used.add(trial.used)
	return err
}

// greySquare is an image that any server can read, large enough for those that refuse small ones.
func greySquare() (encodedImage, error) {
	square := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range square.Pix {
		square.Pix[i] = 0x80
	}
	var b bytes.Buffer
	if err := png.Encode(&b, square); err != nil {
		return encodedImage{}, fmt.Errorf("encoding a trial image: %w", err)
	}
	return encodedImage{"image/png", b.Bytes()}, nil
}
