package run

import (
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// concurrentShards is the number of shards that share the request limit of a paid scorer, because one machine scores
// two shards concurrently.
const concurrentShards = 2

// load returns the amount of work of the plan's scorer. The records are not read yet, so it assumes one image for each
// sample.
func (p *Plan) load() scorer.Load {
	all := scorer.Load{Samples: p.Samples, Images: p.Samples}
	for _, r := range p.Ranges {
		all.TextBytes += r.Span.End - r.Span.Start
	}
	return all
}

// checkPace returns a *RefusedError if the scorer is so slow that a shard would become a dead letter before it is
// scored.
func (p *Plan) checkPace(paid scorer.Paid) error {
	largest := min(int64(p.Constants.ShardSamples), p.Samples)
	text := p.load().TextBytes * largest / p.Samples
	shard := paid.Estimate(scorer.Load{Samples: largest, Images: largest, TextBytes: text})
	needed, given := shard.Seconds*concurrentShards, (events.DeliveryDeadline * maxAttempts).Seconds()
	if needed <= given {
		return nil
	}
	atMost := max(1, int(float64(largest)*given/needed))
	return &RefusedError{Reason: fmt.Sprintf("scorer %q: a shard of %d samples would take %v, because of %s; all %d "+
		"attempts at it together have %v. Raise %s, or set SHARD_SAMPLES to at most %d",
		p.Scorer, largest, seconds(needed), shard.LimitedBy, maxAttempts, seconds(given), shard.LimitedBy, atMost)}
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Minute)
}
