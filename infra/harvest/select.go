package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
)

func newSelect() *cobra.Command {
	var (
		sel        selectionFlags
		files      scoreFileFlags
		out        outputFlags
		state, dir string
	)
	cmd := &cobra.Command{
		Use:   "select RUN | select --scores DIR --manifest FILE --out FILE",
		Short: "Select another subset of a scored run, or from score files, without scoring again",
		Example: `  harvest select demo-0123456789ab --budget 10%
  harvest select demo-0123456789ab --budget 5%,10%,30% --cap-source 10% --weights "stem knowledge=3"
  harvest select --scores scores --manifest manifest.json --budget 0.3 --out subset.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if files.given() {
				return atMost(0)(cmd, args)
			}
			return runArg(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := sel.specs()
			if err != nil {
				return err
			}
			if files.given() {
				return files.selectSubset(
					cmd.Context(), requests, dir, cmd.OutOrStdout(), cmd.ErrOrStderr(), out.json)
			}
			show := newDisplay(out.quiet)
			res, err := selectSubsets(cmd.Context(), args[0], requests, state, dir, show)
			show.close()
			if err != nil {
				return err
			}
			return res.print(cmd.OutOrStdout(), out.json)
		},
	}
	sel.add(cmd)
	files.add(cmd)
	out.add(cmd)
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the subset and what explains it (default: out/<run>/<selection>); "+
		"with --scores the file of the subset")
	return cmd
}

// selectSubsets makes the requested selections of a scored run, the smallest first.
func selectSubsets(
	ctx context.Context, runID string, requests []selection.Request, state, dir string, show *display,
) (*result, error) {
	start := time.Now()
	_, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	input, err := noInput()
	if err != nil {
		return nil, err
	}
	res := &result{Run: runID, Seconds: map[string]float64{}}
	_, subsets, err := openRuns(work)
	if err != nil {
		return nil, err
	}
	if res.status, err = subsets.RunStatus(ctx, runID); err != nil {
		return nil, unknownRun(err)
	}
	res.Samples = res.status.Samples
	if res.status.Problem != "" {
		return nil, errors.New(res.status.Problem)
	}
	if res.status.State != run.StateScored {
		return nil, fmt.Errorf("run %s is not scored yet (%s); `harvest resume %s` goes on with it",
			runID, res.status.State, runID)
	}
	d := deployment{input: input, work: work, show: show}
	err = d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		return res.chooseAll(ctx, s, requests, work, dir)
	})
	if err != nil {
		return nil, err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, nil
}
