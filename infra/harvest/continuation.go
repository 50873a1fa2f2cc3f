package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

// A continuation continues a run by one call of the API. It returns the status of the run that is at work then.
type continuation func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error)

// newContinuation is a command that continues a run and waits until it is scored: resume or retry.
func newContinuation(name, short string, call continuation) *cobra.Command {
	var (
		out    outputFlags
		state  string
		scorer scorerFlags
	)
	cmd := &cobra.Command{
		Use:   name + " RUN",
		Short: short,
		Args:  runArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			show := newDisplay(out.quiet)
			status, err := call.waitScored(cmd.Context(), args[0], state, scorer, show)
			show.close()
			if err != nil {
				return err
			}
			if out.json {
				return printJSON(cmd.OutOrStdout(), status)
			}
			return status.print(cmd.OutOrStdout())
		},
	}
	out.add(cmd)
	stateFlag(cmd, &state)
	// By default it is where it was.
	scorer.add(cmd, "")
	return cmd
}

// waitScored continues a run and waits until it is scored.
func (call continuation) waitScored(
	ctx context.Context, runID, state string, scorer scorerFlags, show *display,
) (runStatus, error) {
	state, work, err := openState(state)
	if err != nil {
		return runStatus{}, err
	}
	runs, _, err := openRuns(work)
	if err != nil {
		return runStatus{}, err
	}
	plan, err := runs.Plan(ctx, runID)
	if err != nil {
		return runStatus{}, unknownRun(err)
	}
	in, err := loadInput(state, runID)
	if err != nil {
		return runStatus{}, err
	}
	if scorer.scorer != "" {
		var kind string
		if kind, in.Scorers, err = scorer.choose(in.Scorers); err != nil {
			return runStatus{}, err
		}
		if kind != plan.Scorer {
			return runStatus{}, usageError{fmt.Errorf("--scorer %q: run %s has the scorer %s; "+
				"start its dataset again for a run with another", scorer.scorer, runID, plan.Scorer)}
		}
	}
	files, err := in.bucket(in.spec())
	if err != nil {
		return runStatus{}, err
	}
	var status *subset.RunStatus
	d := deployment{input: files, work: work, scorers: in.Scorers, show: show}
	err = d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		if status, err = call(ctx, s.api, runID); err != nil {
			return err
		}
		if err := in.save(state, status.Run); err != nil {
			return err
		}
		status, err = s.score(ctx, status.Run, map[string]float64{})
		return err
	})
	if err != nil {
		return runStatus{}, err
	}
	return withSpending(ctx, work, status)
}
