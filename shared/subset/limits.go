package subset

import (
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
)

// Limits limit the memory and the queue of a process that makes selections.
type Limits struct {
	// PoolBytes is the most memory of scores that stay in memory between selections. A selection may need more; then its
	// scores are removed from memory afterwards.
	PoolBytes int `env:"POOL_BYTES, default=1073741824" meaning:"memory for scores kept after a selection, in bytes"`
	// CacheBytes is the most memory of all other caches of runs and selections.
	CacheBytes int `env:"CACHE_BYTES, default=738197504" meaning:"memory for other data of runs and selections, in bytes"`
	// Waiting is the number of selections that may wait while a selection is computed.
	Waiting int `env:"SELECTIONS_WAITING, default=8" meaning:"selections that may wait while one is computed; else 429"`
	// AnsweredSamples is the size of the largest run from which a call selects while its caller waits.
	AnsweredSamples int64 `env:"MAX_ANSWERED_SAMPLES, default=1000000" meaning:"largest run to select from during a call"`
}

// DefaultLimits returns the limits of an empty environment.
func DefaultLimits() Limits {
	return Limits{PoolBytes: 1 << 30, CacheBytes: run.DefaultCacheBytes, Waiting: 8, AnsweredSamples: 1_000_000}
}

// Validate returns an error that names every limit below 1.
func (l Limits) Validate() error {
	var faults []error
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"POOL_BYTES", int64(l.PoolBytes)}, {"CACHE_BYTES", int64(l.CacheBytes)}, {"SELECTIONS_WAITING", int64(l.Waiting)},
		{"MAX_ANSWERED_SAMPLES", l.AnsweredSamples},
	} {
		if limit.value < 1 {
			faults = append(faults, fmt.Errorf("%s: %d; give 1 or more", limit.name, limit.value))
		}
	}
	return errors.Join(faults...)
}
