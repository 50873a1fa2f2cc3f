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

// refusals records which requests a server answered and which it refused.
type refusals struct {
	diagnosis sync.Mutex // held during a diagnosis, so that only one runs

	mu       sync.Mutex
	first    int                        // index of the first format that the server has not refused
	answered map[requestShape]time.Time // start of the latest answered request of a shape
}

// A requestShape has the properties of a request that decide, without regard to the sample, whether the server refuses
// the request.
type requestShape struct {
	format    int
	hasImages bool
}

// format returns the index of the format to use.
func (r *refusals) format() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// noteAnswer records that a request of a shape was answered, and when the request began.
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

// answeredSince reports whether a request of a shape that began after a time was answered.
func (r *refusals) answeredSince(shape requestShape, since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered[shape].After(since)
}

// refuse records that the server refuses all formats before the index first.
func (r *refusals) refuse(first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first = max(r.first, first)
}

// diagnose finds out why a request was refused. Servers describe the reason in many ways, so diagnose sends a harmless
// request of the same shape. If this request is answered, the sample is the reason. Earlier answers prove nothing,
// because some servers report an expired key like an invalid sample. If diagnose returns nil, the server accepts
// another format.
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
		return stopError("%v: the model %s accepts no images; name a vision model with --model or LLM_MODEL",
			refused.error, e.Model)
	}
	return stopError("%v: the server refuses every request, not only this sample; fix the cause in its message",
		refused.error)
}

// trial makes a harmless request with the instructions of a prompt. The usage is added to the prompt.
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

// greySquare returns an image that any server can read. It is large enough for servers that refuse small images.
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
