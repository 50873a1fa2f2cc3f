package main

import (
	"context"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

func newResume() *cobra.Command {
	var giveUp bool
	cmd := goOn("resume", "Go on with a run that was interrupted or is stalled", func(ctx context.Context, s session, runID string) (*run.Status, error) {
		return s.api.Resume(ctx, runID, api.Resume{GiveUp: giveUp})
	})
	cmd.Flags().BoolVar(&giveUp, "give-up", false, "record the samples of shards that were given up as failed, so that the run completes")
	return cmd
}
