package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/sethvargo/go-envconfig"
)

// limits are the service's limits, from the environment as in the cloud.
func limits(ctx context.Context) (run.Limits, error) {
	l, err := config.Read[run.Limits](ctx, envconfig.OsLookuper())
	if err != nil {
		return run.Limits{}, usageError{fmt.Errorf("reading the environment: %w", err)}
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
