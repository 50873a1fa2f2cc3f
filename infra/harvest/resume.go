package main

import (
	"context"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newResume() *cobra.Command {
	var options api.Resume
	cmd := newContinuation(
		"resume",
		"Continue a run that was interrupted or is stalled, and complete what was asked of it",
		func(*subset.RunStatus) string { return "" },
		func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error) {
			return client.Resume(ctx, runID, options)
		},
	)
	cmd.Flags().BoolVar(&options.GiveUp, "give-up", false,
		"record the samples of shards that were given up as failed, so that the run completes")
	return cmd
}
