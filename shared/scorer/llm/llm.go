// Package llm rates samples by any vision model with an OpenAI-compatible API. In the mode json it makes one request
// for each sample; the answer is JSON with all ratings, the styles and a reason. In the mode logprobs it makes one
// request for each capability, and the answer is one token. Answers are stored in the work bucket, so that no answer is
// paid for twice.
package llm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// Advice is a text for users on what to do if the server does not answer for a long time.
const Advice = "Nothing is lost: scoring continues by itself as soon as the server accepts requests. " +
	"If the server is often full, lower LLM_CONCURRENCY, LLM_REQUESTS_PER_MINUTE or LLM_TOKENS_PER_MINUTE; " +
	"if it cannot be reached, check LLM_URL."

// Options are the options of an Endpoint. All fields except Memory have defaults.
type Options struct {
	Memory    *memory.Budget    // budget for decoding images
	Work      bucket.Bucket     // stores answers; may be nil
	Transport http.RoundTripper // http.DefaultTransport if nil
	Retry     remote.Retry
}

// An Endpoint is a client of the model. It is safe for concurrent use. A process should have only one Endpoint, because
// an Endpoint enforces the limits of requests and spending.
type Endpoint struct {
	*client
	Options
	store    answerStore
	limiter  *limiter
	throttle *remote.Throttle
	refusals refusals // refusals of requests for JSON answers
	// questions are the refusals of requests for a single token.
	questions refusals
	inFlight  singleflight.Group // its keys have run and answerHash, or are "probe"

	mu       sync.Mutex
	spending map[string]*spending // by run
	probe    *probeResult         // nil before the first probe
}

// New returns an Endpoint. It makes no request.
func New(c Config, o Options) (*Endpoint, error) {
	if err := c.Complete(); err != nil {
		return nil, err
	}
	if o.Memory == nil {
		return nil, errors.New("the scorer llm needs a budget of memory")
	}
	c = c.withDefaults()
	o.Retry = o.Retry.WithDefaults()
	if base, ok := http.DefaultTransport.(*http.Transport); ok && o.Transport == nil {
		own := base.Clone()
		own.MaxIdleConnsPerHost = c.Concurrency // with the default, 2, most requests would open a new connection
		o.Transport = own
	}
	client, err := newClient(c, o.Transport)
	if err != nil {
		return nil, err
	}
	return &Endpoint{
		client: client, Options: o, store: answerStore{o.Work}, limiter: newLimiter(c),
		throttle: remote.NewThrottle(c.Concurrency),
		spending: map[string]*spending{},
	}, nil
}

// A Scorer rates samples under one rubric, under the spending limit of one run. It is safe for concurrent use.
type Scorer struct {
	*Endpoint
	id       string
	rubric   *rubric.Rubric
	mode     string
	asked    *rubric.Rubric // the capabilities and styles of a JSON answer
	system   string         // the instructions
	formats  []fields       // formats of requests for a JSON answer
	price    *price         // nil if it is not known
	spending *spending
}

var (
	_ scorer.Paid   = (*Scorer)(nil)
	_ scorer.Sender = (*Scorer)(nil)
	_ scorer.Prober = (*Scorer)(nil)
)

// Open returns the scorer for a rubric in a mode; an empty mode is the configured mode. It makes no request: a wrong
// URL, key or model is found with the first sample, or by Probe.
func (e *Endpoint) Open(r *rubric.Rubric, mode string) (*Scorer, error) {
	if err := scorer.CheckMode(mode); err != nil {
		return nil, err
	}
	s := &Scorer{Endpoint: e, rubric: r, spending: e.spendingOf("")}
	s.setMode(cmp.Or(mode, e.Mode))
	var err error
	if s.formats, err = formats(s.asked, s.mode == scorer.ModeJSON); err != nil {
		return nil, err
	}
	if s.price, err = e.priceOfModel(); err != nil {
		return nil, err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s\n%s\n%s\n%q\n%v\n%d\n%d\n",
		version, images.Version, r.Hash(), s.system, e.Model, e.Temperature, e.MaxTokens, e.ImageSide)
	s.id = "llm-" + s.mode + "-" + hex.EncodeToString(hash.Sum(nil)[:6])
	return s, nil
}

// setMode sets the mode, the instructions, and the contents of a JSON answer.
func (s *Scorer) setMode(mode string) {
	s.mode, s.asked, s.system = mode, s.rubric, instructions(s.rubric, answerForm)
	if mode == scorer.ModeLogprobs {
		s.asked, s.system = withoutRatings(s.rubric), instructions(s.rubric, questionForm)
	}
}

// priceOfModel returns the price of the model; nil if it is not known.
func (e *Endpoint) priceOfModel() (*price, error) {
	prices, err := parsePrices(e.Prices)
	if err != nil {
		return nil, err
	}
	if p, known := prices[e.Model]; known {
		return &p, nil
	}
	return nil, nil
}

// ID returns "llm-", the mode, and 12 hex digits of a hash of the model's name, the rubric, the instructions, and the
// options that change ratings. It does not depend on the model's URL.
func (s *Scorer) ID() string { return s.id }

// Bodies implements scorer.Sender.
func (s *Scorer) Bodies() int { return 1 }

// ForRun returns the same scorer under the spending limit of a run.
func (s *Scorer) ForRun(ctx context.Context, run string) (scorer.Scorer, error) {
	ofRun := *s
	ofRun.spending = s.spendingOf(run)
	if err := ofRun.spending.refresh(ctx); err != nil {
		return nil, err
	}
	return &ofRun, nil
}

func (e *Endpoint) spendingOf(run string) *spending {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.spending[run]
	if s == nil {
		s = newSpending(e.store, run, e.MaxCost)
		e.spending[run] = s
	}
	return s
}

// Rate rates the items, several at a time. It waits for a server that is full or cannot be reached. The error is a
// *scorer.StopError or transient. Answers that came before the error are stored.
func (s *Scorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	// After an error, no further sample is begun. Samples in flight are completed, because they must be paid.
	var stopped atomic.Bool
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for i, item := range items {
		group.Go(func() (err error) {
			if stopped.Load() {
				return nil
			}
			if results[i], err = s.rate(ctx, item); err != nil {
				stopped.Store(true)
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
	shown, err := newConversation(item.Sample)
	if err != nil {
		return scorer.Result{}, err
	}
	hash := answerHash(s.id, shown.lines, item.RatedImages())
	// Equal samples that are rated at the same time share one request.
	answer, err, _ := s.inFlight.Do(s.spending.run+"/"+hash, func() (any, error) {
		a, err := s.store.find(ctx, s.spending.run, hash)
		if a != nil || err != nil {
			return a, err
		}
		images, fault, err := prepareAll(ctx, item, s.ImageSide, s.Memory)
		if err != nil {
			return nil, err
		}
		if fault != nil {
			return &Answer{Fault: fault}, nil
		}
		return s.ask(ctx, hash, shown, images)
	})
	if err != nil {
		return scorer.Result{}, err
	}
	a, _ := answer.(*Answer)
	if a.Fault == nil && len(a.Ratings) != len(s.rubric.Capabilities) {
		return scorer.Result{}, fmt.Errorf("reading %s: it has %d ratings, but the rubric has %d capabilities",
			answerName(hash), len(a.Ratings), len(s.rubric.Capabilities))
	}
	result := a.result()
	if shown.neutralized && a.Fault == nil {
		result.Flags = append(result.Flags, FlagTemplateTokens)
	}
	return result, nil
}

// Reason returns the model's reason for its rating of a sample, in one line; empty if no answer is stored. It makes no
// request.
func (s *Scorer) Reason(ctx context.Context, item scorer.Item) (string, error) {
	shown, err := newConversation(item.Sample)
	if err != nil {
		return "", err
	}
	a, err := s.store.find(ctx, "", answerHash(s.id, shown.lines, item.RatedImages()))
	if a == nil || err != nil {
		return "", err
	}
	return a.Reason, nil
}
