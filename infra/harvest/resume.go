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
		"Continue a run that was interrupted or is stalled, and complete what was asked of it",
		func(_ context.Context, _ *run.Reader, runID string) (string, error) { return runID, nil },
		func(*subset.RunStatus) string { return "" },
		func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error) {
			return client.Resume(ctx, runID, options)
		},
	)
	continueRun := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cleaner, err := openCleaner(cmd.Flag("state").Value.String())
		if err == nil {
			_, err = cleaner.finish(cmd.Context(), cmd.ErrOrStderr())
		}
		if err != nil {
			return err
		}
		resumed, err := resumeTrainings(cmd, args[0])
		if err != nil || resumed {
			return err
		}
		return continueRun(cmd, args)
	}
	cmd.Flags().BoolVar(&options.GiveUp, "give-up", false,
		"record the samples of shards that were given up as failed, so that the run completes")
	return cmd
}

// resumeTrainings has the failed trainings of a run tried again by serve, and reports whether there are any.
func resumeTrainings(cmd *cobra.Command, name string) (bool, error) {
	folder, work, err := openState(cmd.Flag("state").Value.String())
	if err != nil {
		return false, err
	}
	runs, _, err := openRuns(work)
	if err != nil {
		return false, err
	}
	id, err := findRun(cmd.Context(), runs, name)
	if err != nil {
		return false, err
	}
	jobs, err := resumeJobs(folder, id)
	if err != nil || jobs == 0 {
		return false, err
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "harvest: %d failed trainings of run %s are tried again by serve\n", jobs, id)
	return true, err
}
