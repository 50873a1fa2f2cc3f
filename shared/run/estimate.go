package run

import (
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// concurrentShards is how many shards share what a process may ask of a paid scorer: one machine scores two of them
// concurrently.
const concurrentShards = 2

// load is the work that the plan's run gives its scorer. Before the records are read a sample is taken to have one
// image.
func (p *Plan) load() scorer.Load {
	all := scorer.Load{Samples: p.Samples, Images: p.Samples}
	for _, r := range p.Ranges {
		all.TextBytes += r.Span.End - r.Span.Start
	}
	return all
}

// checkPace refuses a scorer so slow that a shard would be given up before it is scored.
func (p *Plan) checkPace(paid scorer.Paid) error {
	largest := min(int64(p.Constants.ShardSamples), p.Samples)
	text := p.load().TextBytes * largest / p.Samples
	shard := paid.Estimate(scorer.Load{Samples: largest, Images: largest, TextBytes: text})
	needed, given := shard.Seconds*concurrentShards, (events.DeliveryDeadline * maxAttempts).Seconds()
	if needed <= given {
		return nil
	}
	atMost := max(1, int(float64(largest)*given/needed))
	return &RefusedError{Reason: fmt.Sprintf("scorer %q: by %s a shard of %d samples takes %v while %d are scored "+
		"concurrently, and %d attempts at it end after %v: raise %s, or set SHARD_SAMPLES to %d at most",
		p.Scorer, shard.LimitedBy, largest, seconds(needed), concurrentShards,
		maxAttempts, seconds(given), shard.LimitedBy, atMost)}
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Minute)
}
