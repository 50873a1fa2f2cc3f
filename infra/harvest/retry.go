package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newRetry() *cobra.Command {
	return newContinuation("retry", "Rate the failed samples of a scored run again, for example after images were added",
		func(*cobra.Command, *continuedRun) (bool, error) { return false, nil }, lastScored,
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

// lastScored returns the last scored attempt of a run, because a retry starts from this attempt. Earlier attempts were
// already retried.
func lastScored(ctx context.Context, runs *run.Reader, runID string) (string, error) {
	last, err := runs.LastScored(ctx, runID)
	if _, refused := errors.AsType[*run.RefusedError](err); refused {
		return runID, nil // the API call reports the reason
	} else if err != nil {
		return "", unknownRun(err)
	}
	return last.Run, nil
}
