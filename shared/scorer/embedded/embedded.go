// Package embedded rates samples in pure Go, on any machine. Its models are linear. Their weights are embedded in the
// binary, or trained by the user. The features are hashed n-grams of questions and answers, observations on words and
// form (cues), and statistics of the images. The word lists are English. For texts in other languages, only n-grams and
// form have an effect.
//
// Images are measured as they are stored. The luma of a JPEG is used without conversion to RGB, the rotation that EXIF
// requests is not applied, and a transparent image is put on a white background.
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

// Version is the version of the features. With every change of the features, raise it and train the weights again.
// TestVersion fails if the features change and the version does not.
const Version = "3"

//go:embed weights.zst
var defaultFile []byte

// defaultWeights decodes the embedded weights at the first call.
var defaultWeights = sync.OnceValues(func() (*Weights, error) { return DecodeWeights(defaultFile) })

// DefaultWeights returns the weights that the program embeds. All callers share them: do not change them.
func DefaultWeights() (*Weights, error) { return defaultWeights() }

// DefaultHash returns a hash of the embedded weights and of the features' version.
func DefaultHash() string {
	sum := sha256.Sum256(append([]byte(Version), defaultFile...))
	return hex.EncodeToString(sum[:])
}

// A Scorer rates samples by weights. It is safe for concurrent use.
type Scorer struct {
	id           string
	weights      *Weights
	predictor    *Predictor
	capabilities []int // the head of each capability, in the order of the rubric
	styles       []int // the head of each style of the rubric
	names        []string
	observer     *Observer
}

var _ scorer.Scorer = (*Scorer)(nil)

// New returns a scorer with the embedded weights. All capabilities and styles of the rubric must be in the default
// rubric, in any order; the error names those that are not. Decoding images reserves memory from budget.
func New(r *rubric.Rubric, budget *memory.Budget) (*Scorer, error) {
	w, err := defaultWeights()
	if err != nil {
		return nil, err
	}
	return newScorer(w, defaultFile, r, budget)
}

// Load returns a scorer with the weights of a file that training wrote.
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

// ID returns "embedded-" and 12 hex digits of a hash of the features' version, the image reader's version, the weights
// and the rubric. If the user's annotations were added to the weights, "-taught-by-", the teacher's id and the hash of
// the annotations follow.
func (s *Scorer) ID() string { return s.id }

// Reach returns the expected errors of the weights by distance; nil if the weights do not contain them.
func (s *Scorer) Reach() *reach.Scale { return s.weights.Reach }

// Rate rates the items on all processors. It fails if the context ends, or if the process has no memory for an image.
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
