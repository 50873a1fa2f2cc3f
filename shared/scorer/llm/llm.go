// Package llm rates samples by any vision model behind an OpenAI-compatible API: one request a sample, answered in
// JSON with all ratings, the styles and a reason. Answers are kept in the work bucket, so that none is paid for twice.
package llm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// Options of an Endpoint. The zero value has the defaults.
type Options struct {
	Work      bucket.Bucket     // where answers are kept; nowhere if nil
	Transport http.RoundTripper // http.DefaultTransport if nil
	Hold      time.Duration     // how long a server that is full or away is waited for; 400 s if 0
	// Waiting, if any, is told why, before every long pause. It is called from several goroutines.
	Waiting func(error)
}

// An Endpoint is where the model is. It is safe for concurrent use, and should be the only one of its
// process: it keeps the limits of what may be asked.
type Endpoint struct {
	*client
	Options
	memory  memory
	limiter *limiter
	// slots are taken by requests: one by an ordinary one, all by one that may kill the server, so that
	// no other is taken for the killer.
	slots *semaphore.Weighted
	// decoders bound how many images are decoded at once: each may take as much memory as its pixels.
	decoders *semaphore.Weighted
	// notBefore is until when the server asked to be left alone, in nanoseconds since 1970.
	notBefore atomic.Int64
	refusals  refusals
	flights   singleflight.Group

	mu       sync.Mutex
	accounts map[string]*account // by run
}

// New makes an Endpoint. It asks nothing yet.
func New(c Config, o Options) (*Endpoint, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.URL == "" {
		return nil, errors.New("it is not known where the model is: give --scorer llm:URL, or set LLM_URL")
	}
	if c.Model == "" {
		return nil, errors.New("it is not known which model is to rate: give --model NAME, or set LLM_MODEL")
	}
	c = c.withDefaults()
	o.Hold = cmp.Or(o.Hold, 400*time.Second)
	if base, ok := http.DefaultTransport.(*http.Transport); ok && o.Transport == nil {
		own := base.Clone()
		own.MaxIdleConnsPerHost = c.Concurrency // of the default's two, the others would be made anew for every request
		o.Transport = own
	}
	client, err := newClient(c, o.Transport)
	if err != nil {
		return nil, err
	}
	return &Endpoint{
		client: client, Options: o, memory: memory{o.Work}, limiter: newLimiter(c),
		slots: semaphore.NewWeighted(int64(c.Concurrency)), decoders: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), accounts: map[string]*account{},
	}, nil
}

// A Scorer rates samples under one rubric, on the account of one run. It is safe for concurrent use.
type Scorer struct {
	*Endpoint
	id      string
	rubric  *rubric.Rubric
	system  string // the instructions
	formats []json.RawMessage
	price   *price // nil if it is not known
	account *account
}

var _ scorer.Paid = (*Scorer)(nil)

// Open gives the scorer for a rubric. It asks nothing: what is wrong with URL, key or model comes out with the first sample.
func (e *Endpoint) Open(r *rubric.Rubric) (*Scorer, error) {
	s := &Scorer{Endpoint: e, rubric: r, system: instructions(r)}
	var err error
	if s.formats, err = formats(r); err != nil {
		return nil, err
	}
	prices, err := parsePrices(e.Prices)
	if err != nil {
		return nil, err
	}
	if p, known := prices[e.Model]; known {
		s.price = &p
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n%s\n%q\n%v\n%d\n%d\n", version, r.Hash(), s.system, e.Model, e.Temperature, e.MaxTokens, e.ImageSide)
	s.id = "llm-" + hex.EncodeToString(hash.Sum(nil)[:6])
	s.account = e.account("")
	return s, nil
}

// ID is "llm-" and 12 hex digits over the model's name, the rubric, the instructions, and the options that change
// ratings. It does not depend on where the model is.
func (s *Scorer) ID() string { return s.id }

// ForRun gives the same scorer on the account of a run.
func (s *Scorer) ForRun(ctx context.Context, run string) (scorer.Scorer, error) {
	billed := *s
	billed.account = s.Endpoint.account(run)
	if err := billed.account.settle(ctx); err != nil {
		return nil, err
	}
	return &billed, nil
}

func (e *Endpoint) account(run string) *account {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.accounts[run]
	if a == nil {
		a = &account{memory: e.memory, run: run, limit: e.MaxCost, changed: make(chan struct{})}
		e.accounts[run] = a
	}
	return a
}

// Rate rates the items, several at once. It waits for a server that is full or away. Its error is a
// *scorer.StopError or one of the world; what was answered before it is kept.
func (s *Scorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	// After an error nothing more is begun, and what is in flight comes to its end: it is paid for.
	var halted atomic.Bool
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for i, item := range items {
		group.Go(func() (err error) {
			if halted.Load() {
				return nil
			}
			if results[i], err = s.rate(ctx, item); err != nil {
				halted.Store(true)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("rating %d samples: %w", len(items), err)
	}
	return results, nil
}

func (s *Scorer) rate(ctx context.Context, item scorer.Item) (scorer.Result, error) {
	text, err := conversation(item.Sample)
	if err != nil {
		return scorer.Result{}, err
	}
	hash := requestHash(s.id, text, item.Images)
	// Twins that are rated at the same time are asked for once.
	answer, err, _ := s.flights.Do(s.account.run+"/"+hash, func() (any, error) {
		a, err := s.memory.recall(ctx, s.account.run, hash)
		if a != nil || err != nil {
			return a, err
		}
		if err := s.decoders.Acquire(ctx, 1); err != nil {
			return nil, fmt.Errorf("waiting for a decoder: %w", err)
		}
		images, reason := pictures(item.Sample, item.Images, s.ImageSide)
		s.decoders.Release(1)
		if reason != "" {
			return &Answer{Fault: reason}, nil
		}
		return s.buy(ctx, hash, text, images)
	})
	if err != nil {
		return scorer.Result{}, err
	}
	a, _ := answer.(*Answer)
	if a.Fault == "" && len(a.Ratings) != len(s.rubric.Capabilities) {
		return scorer.Result{}, fmt.Errorf("reading %s: it has %d ratings, and the rubric %d capabilities", answerName(hash), len(a.Ratings), len(s.rubric.Capabilities))
	}
	return a.result(), nil
}

// Reason is the model's own reason for its rating of a sample, in one line; empty if none is kept. It asks nobody.
func (s *Scorer) Reason(ctx context.Context, item scorer.Item) (string, error) {
	text, err := conversation(item.Sample)
	if err != nil {
		return "", err
	}
	a, err := s.memory.recall(ctx, "", requestHash(s.id, text, item.Images))
	if a == nil || err != nil {
		return "", err
	}
	return a.Reason, nil
}
