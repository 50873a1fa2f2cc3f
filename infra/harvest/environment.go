package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/sethvargo/go-envconfig"
)

// limits returns the service's limits. As in the cloud, they come from the environment.
func limits(ctx context.Context) (run.Limits, error) {
	l, err := config.Read[run.Limits](ctx, envconfig.OsLookuper())
	if err == nil {
		err = config.CheckPrices(l.CostPerMillion)
	}
	if err != nil {
		return run.Limits{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return l, nil
}

// imageMemory returns this process's memory budget for images within limits. The URLs of scorers come from the
// parameter at, else from the environment. A command uses one budget at a time.
func imageMemory(limits images.Limits, at kinds.Config) (*memory.Budget, error) {
	scorers, err := scorersByEnvironment()
	if err != nil {
		return nil, err
	}
	return scorers.At(at).Memory(limits)
}

// selectionLimits returns the limits of selections. As in the cloud, they come from the environment.
func selectionLimits(ctx context.Context) (subset.Limits, error) {
	l, err := config.Read[subset.Limits](ctx, envconfig.OsLookuper())
	if err != nil {
		return subset.Limits{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return l, nil
}

func scorersByEnvironment() (kinds.Config, error) {
	c, err := config.Read[kinds.Config](context.Background(), envconfig.OsLookuper())
	if err != nil {
		return kinds.Config{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return c, nil
}
