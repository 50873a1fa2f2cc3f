package run

import "github.com/harvest-ml/harvest/shared/dataset"

// A shardSize determines the end of a shard: when it has as many samples as the plan allows, or when the next record
// would make it too large.
type shardSize struct {
	limits         Constants
	samples, bytes int
}

// takes reports whether the next sample belongs to the shard. The first sample always does.
func (s *shardSize) takes(sample *dataset.Sample) bool {
	return s.samples == 0 ||
		s.samples < s.limits.ShardSamples && s.bytes+len(sample.Raw) <= s.limits.ShardBytes
}

// add counts a sample of the shard.
func (s *shardSize) add(sample *dataset.Sample) {
	s.samples++
	s.bytes += len(sample.Raw)
}
