package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newRm() *cobra.Command {
	var state string
	var force bool
	cmd := &cobra.Command{
		Use:   "rm RUN...",
		Short: "Remove runs with all their scores and selections from the state folder",
		Long: `rm removes runs: their records, scores and selections, and the logs of their trainings. Subsets in --out,
datasets, images and the answers of paid scorers stay. The same curate command starts a removed run from the
beginning.`,
		Example: `  harvest rm demo
  harvest rm charts-0a1b charts-77c0 latest`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return runArg(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: completeManyRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := openCleaner(state)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			finished, err := c.finish(ctx, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			var ids []string
			for _, name := range args {
				id, err := findRun(ctx, c.runs, name)
				if err != nil && slices.ContainsFunc(finished, func(id string) bool { return strings.HasPrefix(id, name) }) {
					continue // an earlier command, which was killed, removed this run
				} else if err != nil {
					return err
				}
				if !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
			if len(ids) == 0 {
				return nil
			}
			atWork, err := c.check(ctx, ids, force)
			if err != nil {
				return err
			}
			return c.remove(ctx, cmd.OutOrStdout(), ids, atWork)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also remove runs that are not finished")
	stateFlag(cmd, &state)
	return cmd
}

// check returns an error if a run is not finished, or if another run needs it. With force, runs may be unfinished.
// atWork has the ids of unfinished runs.
func (c *cleaner) check(ctx context.Context, ids []string, force bool) (atWork map[string]bool, err error) {
	with := map[string]bool{}
	for _, id := range ids {
		with[id] = true
	}
	users, err := c.remover.Users(ctx)
	if err != nil {
		return nil, err
	}
	atWork = map[string]bool{}
	for _, id := range ids {
		err := c.remover.Check(ctx, id, users, with)
		needed, ok := errors.AsType[*subset.StillNeededError](err)
		switch {
		case ok && needed.By == "" && force:
			atWork[id] = true
			continue
		case ok && needed.By == "":
			return nil, usageError{fmt.Errorf("%w; finish it (`%s`), or remove it with --force", err,
				command("resume", c.typed, id))}
		case ok:
			return nil, usageError{err}
		case err != nil:
			return nil, err
		}
		if training := c.runningTraining(id); training != "" && !force {
			return nil, usageError{fmt.Errorf("run %s: a training on its selection %s runs; wait for it, or remove the run "+
				"with --force", id, training)}
		}
	}
	return atWork, nil
}
