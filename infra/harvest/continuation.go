package main

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

// goOn is a command that sets a run going with one call of the API, and waits until it is scored.
func goOn(name, short string, call func(context.Context, session, string) (*run.Status, error)) *cobra.Command {
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
			status, err := waitScored(cmd.Context(), args[0], state, scorer, show, call)
			show.close()
			if err != nil {
				return err
			}
			if out.json {
				return printJSON(cmd.OutOrStdout(), status)
			}
			return printStatus(cmd.OutOrStdout(), status)
		},
	}
	out.add(cmd)
	stateFlag(cmd, &state)
	// By default it is where it was.
	scorer.add(cmd, "")
	return cmd
}

func waitScored(ctx context.Context, runID, state string, scorer scorerFlags, show *display, call func(context.Context, session, string) (*run.Status, error)) (runStatus, error) {
	state, work, err := openState(state)
	if err != nil {
		return runStatus{}, err
	}
	plan, err := store(nil, work).Plan(ctx, runID)
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
			return runStatus{}, usageError{fmt.Errorf("--scorer %q: run %s has the scorer %s; start its dataset again for a run with another", scorer.scorer, runID, plan.Scorer)}
		}
	}
	files, err := in.bucket(in.spec())
	if err != nil {
		return runStatus{}, err
	}
	var status *run.Status
	err = withSession(ctx, files, work, in.Scorers, show, func(ctx context.Context, s session) error {
		if status, err = call(ctx, s, runID); err != nil {
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
