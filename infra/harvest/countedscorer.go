package main

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
)

// A countedScorer counts the samples that it has rated, so that progress is shown for each sample and not only for each
// shard.
type countedScorer struct {
	scorer.Scorer
	rated *atomic.Int64
}

// countedStep is the maximum number of samples that are rated between two updates of the counter.
const countedStep = 16

// counted wraps an opener of scorers: an embedded scorer then adds to the counter rated. Other scorers are not wrapped,
// because they are faster with whole batches.
func counted(open run.ScorerOpener, rated *atomic.Int64) run.ScorerOpener {
	return func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
		opened, err := open(ctx, kind, r)
		if err != nil || kind != kinds.Embedded {
			return opened, err
		}
		return &countedScorer{opened, rated}, nil
	}
}

// Reach implements reach.Teller.
func (c *countedScorer) Reach() *reach.Scale { return reach.Of(c.Scorer) }

// Rate implements scorer.Scorer.
func (c *countedScorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, 0, len(items))
	for some := range slices.Chunk(items, countedStep) {
		rated, err := c.Scorer.Rate(ctx, some)
		if err != nil {
			return nil, err
		}
		c.rated.Add(int64(len(rated)))
		results = append(results, rated...)
	}
	return results, nil
}
