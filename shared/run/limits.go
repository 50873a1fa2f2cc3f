package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Limits are the limits and defaults of the runs that a service starts.
type Limits struct {
	// Scorer is the kind of scorer of a dataset that names no scorer.
	Scorer string `env:"SCORER, default=embedded" meaning:"kind of scorer of a dataset that names no scorer"`
	// Budget is the budget of the automatic selection of a dataset that names no budget. If it is zero, such a dataset
	// gets no automatic selection.
	Budget selection.Budget `env:"DEFAULT_BUDGET" meaning:"budget of the automatic selection if a dataset has none"`
	// Records and Images limit the records and images of a dataset.
	Records dataset.Limits
	Images  images.Limits
	// Compressed limits the unpacked size of compressed manifests.
	Compressed compression.Limits
	// PlanBytes is the size of one step of planning, in bytes of a manifest.
	PlanBytes int64 `env:"PLAN_BYTES, default=8589934592" meaning:"bytes of a manifest that one delivery plans"`
	// RangeBytes, ShardSamples and ShardBytes determine how datasets are cut.
	RangeBytes   int64 `env:"RANGE_BYTES, default=16777216" meaning:"bytes of a manifest that one delivery reads"`
	ShardSamples int   `env:"SHARD_SAMPLES, default=200" meaning:"largest number of samples in a shard"`
	ShardBytes   int   `env:"SHARD_BYTES, default=67108864" meaning:"largest size of the records in a shard, in bytes"`
	// InFlight is the Wave.Width of the runs.
	InFlight int `env:"IN_FLIGHT, default=16" meaning:"limit of ranges, and of shards, that a run has in progress"`
	// InFlightGPU is the width for runs by the scorer gpu, which has fewer instances; 0 for InFlight.
	InFlightGPU int `env:"IN_FLIGHT_GPU, default=0" meaning:"replaces IN_FLIGHT for the scorer gpu; 0: IN_FLIGHT"`
	// MaxFailed is the number of samples of a run that may fail. If more fail, nothing is selected.
	MaxFailed Allowance `env:"MAX_FAILED, default=5%" meaning:"failed samples allowed; if more fail, nothing is selected"`
	// CostPerMillion has the prices for estimates of a run's cost.
	CostPerMillion Prices `env:"COST_PER_MILLION" meaning:"US dollars for a million samples, as embedded=1,gpu=195"`
	// MaxRunCost is the estimated cost in US dollars above which a run needs approval; 0 means no limit.
	MaxRunCost float64 `env:"MAX_RUN_COST, default=0" meaning:"US dollars a run may cost without approval; 0: no limit"`
}

// Validate returns an error that names every invalid limit.
func (l Limits) Validate() error {
	var faults []error
	for name, value := range map[string]int64{
		"PLAN_BYTES": l.PlanBytes, "RANGE_BYTES": l.RangeBytes, "SHARD_SAMPLES": int64(l.ShardSamples),
		"SHARD_BYTES": int64(l.ShardBytes), "IN_FLIGHT": int64(l.InFlight),
	} {
		if value < 1 {
			faults = append(faults, fmt.Errorf("%s: %d; give 1 or more", name, value))
		}
	}
	if l.InFlightGPU < 0 {
		faults = append(faults, fmt.Errorf("IN_FLIGHT_GPU: %d; give 1 or more, or 0 for IN_FLIGHT", l.InFlightGPU))
	}
	if err := scorer.CheckDollars(l.MaxRunCost); err != nil {
		faults = append(faults, fmt.Errorf("MAX_RUN_COST: %w", err))
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(append(faults, l.Records.Validate(), l.Images.Validate(), l.Compressed.Validate())...)
}
