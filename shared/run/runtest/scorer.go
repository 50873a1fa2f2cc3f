package runtest

import (
	"context"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// Kind is the kind of a Scorer.
const Kind = "fake"

// A Scorer is a fake scorer. It rates a sample by a hash of its record and images, and counts the ratings.
type Scorer struct {
	Name string // its id
	// Rated counts how often each sample was rated, by id.
	Rated map[string]int
	// Before is called before a sample is rated. Its error is transient.
	Before func(*dataset.Sample) error
	// Short drops the last result of every answer.
	Short bool

	mu sync.Mutex
}

// Times returns the number of times that a sample was rated.
func (s *Scorer) Times(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Rated[id]
}

// Counts returns the number of times that each sample was rated, by id.
func (s *Scorer) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.Rated)
}

// For returns the scorer for one rubric.
func (s *Scorer) For(r *rubric.Rubric) scorer.Scorer { return bound{s, len(r.Capabilities), r.Styles} }

// Words in a sample's answer. A Scorer treats a sample with such a word specially.
const (
	Unratable = "UNRATABLE"
	Styleless = "STYLELESS"
	Unrated   = "UNRATED"
	Worthless = "WORTHLESS"
)

// bound is a Scorer for one rubric.
type bound struct {
	*Scorer
	capabilities int
	styles       []string
}

func (s bound) ID() string { return s.Name }

func (s bound) Rate(_ context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	for i, item := range items {
		if s.Before != nil {
			if err := s.Before(item.Sample); err != nil {
				return nil, err
			}
		}
		s.mu.Lock()
		s.Rated[item.Sample.ID]++
		s.mu.Unlock()
		results[i] = s.rate(item)
	}
	if s.Short {
		results = results[:len(results)-1]
	}
	return results, nil
}

func (s bound) rate(item scorer.Item) scorer.Result {
	h := fnv.New64a()
	h.Write(item.Sample.Raw)
	for _, img := range item.Images {
		h.Write(img)
	}
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	answer := string(item.Sample.Raw)
	if strings.Contains(answer, Unratable) {
		return scorer.Result{Code: "unratable", Reason: "unratable: the answer asks for it"}
	}
	res := scorer.Result{Styles: []string{s.styles[rng.IntN(len(s.styles))]}}
	for range s.capabilities {
		rating := int8(1 + rng.IntN(scorer.MaxRating))
		switch {
		case strings.Contains(answer, Unrated):
			rating = scorer.Missing
		case strings.Contains(answer, Worthless):
			rating = 0
		}
		res.Ratings = append(res.Ratings, rating)
		res.Expected = append(res.Expected, float32(max(rating, 0)))
	}
	if strings.Contains(answer, Styleless) {
		res.Styles, res.OtherStyles = nil, []string{"limerick"}
	}
	return res
}
