package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newRetry() *cobra.Command {
	return newContinuation("retry", "Try the failed samples of a scored run again, as when images came late",
		func(status *subset.RunStatus) string {
			if !status.NothingToRetry() {
				return ""
			}
			return fmt.Sprintf("run %s has no failed samples: there is nothing to retry", status.Run)
		},
		func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error) {
			return client.Retry(ctx, runID, api.Retry{})
		})
}
