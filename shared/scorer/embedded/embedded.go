// Package embedded rates samples in pure Go, on any machine: linear models, whose weights are embedded in the binary or
// trained by the user, over hashed n-grams of questions and answers, plain evidence in their words and form, and
// statistics of the images. Its word lists are English; in other languages it sees only n-grams and form.
//
// Images are seen as they are stored: transparent ones on a white ground, the brightness of a JPEG without conversion
// to colours, and without the rotation that EXIF asks for.
package embedded

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
)

// Version names the features. Raise it with every change of them, and train the weights again; TestVersion fails
// otherwise.
const Version = "3"

//go:embed weights.zst
var defaultFile []byte

// defaultWeights are decoded once, when they are first needed.
var defaultWeights = sync.OnceValues(func() (*Weights, error) { return DecodeWeights(defaultFile) })

// DefaultWeights are the weights that the program embeds. They are shared: do not change them.
func DefaultWeights() (*Weights, error) { return defaultWeights() }

// DefaultHash changes with the weights that the program embeds, and with the features that they are for.
func DefaultHash() string {
	sum := sha256.Sum256(append([]byte(Version), defaultFile...))
	return hex.EncodeToString(sum[:])
}

// A Scorer rates samples by weights. It is safe for concurrent use.
type Scorer struct {
	id           string
	weights      *Weights
	predictor    *Predictor
	capabilities []int // the head of each capability of the rubric, in its order
	styles       []int // the head of each style of the rubric
	names        []string
	observer     *Observer
}

var _ scorer.Scorer = (*Scorer)(nil)

// New makes the scorer of the embedded weights for a rubric whose capabilities and styles are among those of the
// default rubric, in any order. The error names every other one. Images are decoded in steps of budget.
func New(r *rubric.Rubric, budget *memory.Budget) (*Scorer, error) {
	w, err := defaultWeights()
	if err != nil {
		return nil, err
	}
	return newScorer(w, defaultFile, r, budget)
}

// Load makes the scorer of a file of weights, as training wrote it, for a rubric.
func Load(file []byte, r *rubric.Rubric, budget *memory.Budget) (*Scorer, error) {
	w, err := DecodeWeights(file)
	if err != nil {
		return nil, err
	}
	return newScorer(w, file, r, budget)
}

func newScorer(w *Weights, file []byte, r *rubric.Rubric, budget *memory.Budget) (*Scorer, error) {
	if budget == nil {
		return nil, errors.New("the embedded scorer needs a budget of memory")
	}
	s := &Scorer{weights: w, predictor: NewPredictor(w), names: r.Styles, observer: NewObserver(budget)}
	var unknown []string
	for _, c := range r.Capabilities {
		head := w.capability(c)
		if head < 0 {
			unknown = append(unknown, fmt.Sprintf("capability %q", c))
		}
		s.capabilities = append(s.capabilities, head)
	}
	for _, style := range r.Styles {
		head := w.style(style)
		if head < 0 {
			unknown = append(unknown, fmt.Sprintf("style %q", style))
		}
		s.styles = append(s.styles, head)
	}
	if unknown != nil {
		return nil, fmt.Errorf("the weights of the embedded scorer were not trained on %s: "+
			"annotate samples under your rubric, "+
			"train weights with `harvest train`, and name them as --scorer embedded:FILE", strings.Join(unknown, ", "))
	}
	sum := sha256.New()
	fmt.Fprint(sum, Version, images.Version, r.Hash())
	sum.Write(file)
	s.id = "embedded-" + hex.EncodeToString(sum.Sum(nil)[:6])
	if w.Taught != nil {
		s.id += "-taught-by-" + w.Taught.Teacher + "-" + w.Taught.Annotations
	}
	return s, nil
}

// ID is "embedded-" and 12 hex digits over the features' version, that of reading images, the weights and the rubric.
// Of weights that own annotations were added to, "-taught-by-", the teacher and the annotations follow.
func (s *Scorer) ID() string { return s.id }

// Reach is what is known of the errors of the weights; nil if nothing is.
func (s *Scorer) Reach() *reach.Scale { return s.weights.Reach }

// Rate rates the items on all processors. The error is that of a context that ended, or of an image
// that the process has no memory for.
func (s *Scorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, item := range items {
		workers.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var err error
			results[i], err = s.rate(ctx, item)
			return err
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, fmt.Errorf("rating %d samples: %w", len(items), err)
	}
	return results, nil
}

func (s *Scorer) rate(ctx context.Context, item scorer.Item) (scorer.Result, error) {
	f, fault, err := s.observer.Observe(ctx, item)
	if err != nil {
		return scorer.Result{}, err
	}
	if fault != nil {
		return scorer.Unrated(fault), nil
	}
	values, distance := s.predictor.locate(f)
	return s.result(f, values, distance), nil
}
