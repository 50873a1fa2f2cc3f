package main

import (
	"context"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

func newRetry() *cobra.Command {
	return goOn("retry", "Try the failed samples of a scored run again, as when images came late", func(ctx context.Context, s session, runID string) (*run.Status, error) {
		return s.api.Retry(ctx, runID)
	})
}
