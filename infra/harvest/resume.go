package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newResume() *cobra.Command {
	var options api.Resume
	cmd := newContinuation(
		"resume",
		"Continue a run that was interrupted or is stalled, and complete its selections",
		completeOthers,
		func(_ context.Context, _ *run.Reader, runID string) (string, error) { return runID, nil },
		func(*subset.RunStatus) string { return "" },
		func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error) {
			return client.Resume(ctx, runID, options)
		},
	)
	cmd.Flags().BoolVar(&options.GiveUp, "give-up", false,
		"record the samples of dead letters as failed, so that the run completes")
	return cmd
}

// completeOthers deletes the remaining files of removed runs, and marks the failed trainings of the named run so that
// serve tries them again. If there are such trainings, it returns true: the command has nothing else to do.
func completeOthers(cmd *cobra.Command, c *continuedRun) (bool, error) {
	cleaner, err := newCleaner(c.state, c.folder, c.bucket, c.runs, c.subsets)
	if err != nil {
		return false, err
	}
	if _, err := cleaner.finish(cmd.Context(), cmd.ErrOrStderr()); err != nil {
		return false, err
	}
	id, err := findRun(cmd.Context(), c.runs, c.Run)
	if err != nil {
		return false, err
	}
	jobs, err := resumeJobs(c.folder, id)
	if err != nil || jobs == 0 {
		return false, err
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "harvest: serve tries %s of run %s again\n",
		number(jobs, "failed training"), id)
	return true, err
}
