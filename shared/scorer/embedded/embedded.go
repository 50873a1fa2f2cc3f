// Package embedded rates samples in pure Go, on any machine and without weights: styles by rules
// over question and answer, capabilities by formulas over plain evidence in text and images. It is a
// baseline that says what it is. Its words are English; of other languages it sees the form only.
package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// version names the patterns, rules and image measures. Raise it with every change of them that
// changes a rating; TestVersion tells.
const version = "1"

// A Scorer rates samples by built-in rules. It is safe for concurrent use.
type Scorer struct {
	id       string
	formulas []formula // one for each capability of the rubric, in its order
	styles   []string  // of the rubric
}

var _ scorer.Scorer = (*Scorer)(nil)

// New makes the scorer for a rubric whose capabilities and styles are among those of the default
// rubric, in any order. The error names every other one.
func New(r *rubric.Rubric) (*Scorer, error) {
	s := &Scorer{styles: r.Styles}
	var unknown []string
	for _, c := range r.Capabilities {
		i := slices.IndexFunc(formulas, func(f formula) bool { return f.capability == c })
		if i < 0 {
			unknown = append(unknown, fmt.Sprintf("capability %q", c))
			continue
		}
		s.formulas = append(s.formulas, formulas[i])
	}
	for _, style := range r.Styles {
		if !knowsStyle(style) {
			unknown = append(unknown, fmt.Sprintf("style %q", style))
		}
	}
	if unknown != nil {
		return nil, fmt.Errorf("the embedded scorer knows the default rubric only, not %s: a rubric of your own needs another scorer (gpu or llm)",
			strings.Join(unknown, ", "))
	}
	sum := sha256.Sum256(fmt.Append(nil, version, r.Hash(), s.formulas, vocabulary))
	s.id = "embedded-" + hex.EncodeToString(sum[:6])
	return s, nil
}

// ID is "embedded-" and 12 hex digits over the rules, the formulas, the vocabulary and the rubric.
func (s *Scorer) ID() string { return s.id }

// Rate rates the items on all processors. The only error is that of a context that ended.
func (s *Scorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, item := range items {
		workers.Go(func() error {
			if ctx.Err() == nil {
				results[i] = s.rate(item)
			}
			return ctx.Err()
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, fmt.Errorf("rating %d samples: %w", len(items), err)
	}
	return results, nil
}

func (s *Scorer) rate(item scorer.Item) scorer.Result {
	pictures := make([]picture, len(item.Images))
	for i, data := range item.Images {
		img, err := dataset.DecodeImage(data)
		if err != nil {
			return scorer.Result{Reason: brokenImage(item.Sample, i, err)}
		}
		pictures[i] = look(img)
	}
	exchanges := read(item.Sample.Turns)
	e := gather(exchanges, pictures)
	result := scorer.Result{
		Ratings:  make([]int8, len(s.formulas)),
		Expected: make([]float32, len(s.formulas)),
	}
	for i := range s.formulas {
		expected := s.formulas[i].expected(e)
		result.Ratings[i] = int8(math.Floor(expected + 0.5))
		result.Expected[i] = float32(expected)
	}
	for _, style := range stylesOf(exchanges) {
		if slices.Contains(s.styles, style) {
			result.Styles = append(result.Styles, style)
		}
	}
	return result
}

// brokenImage says which image of a sample does not decode and why, beginning with the kind of
// fault, which reasons are counted by.
func brokenImage(s *dataset.Sample, i int, err error) string {
	which := fmt.Sprintf("image %d", i+1)
	if i < len(s.Images) && s.Images[i].Name != "" {
		which += " (" + s.Images[i].Name + ")"
	}
	fault, ok := errors.AsType[*dataset.ImageError](err)
	if !ok {
		return fmt.Sprintf("%s: %s: %v", dataset.ImageUndecodable, which, err)
	}
	return fmt.Sprintf("%s: %s: %s", fault.Kind, which, fault.Detail)
}
