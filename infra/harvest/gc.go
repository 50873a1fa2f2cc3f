package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newGc() *cobra.Command {
	var state string
	var keep int
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "gc --keep N",
		Short: "Remove all but the newest scored runs of each dataset from the state folder",
		Long: `gc keeps the newest N scored runs of each dataset, and all runs that are newer than the oldest of these N
runs. It counts trials (--limit) separately. It removes all older runs, including runs that failed, were refused or
cancelled, or are of an older version of Harvest. It does not remove an unfinished run, or a run whose scores an
unfinished run uses.`,
		Example: `  harvest gc --keep 2 --dry-run`,
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keep < 1 {
				return usageError{errors.New("--keep: give the number of scored runs of each dataset to keep, 1 or more; " +
					"`harvest rm` removes single runs")}
			}
			c, err := openCleaner(state)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if !dryRun {
				if _, err := c.finish(ctx, cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			old, err := c.olderThan(ctx, keep)
			if err != nil {
				return err
			}
			if dryRun {
				return c.preview(ctx, cmd.OutOrStdout(), old)
			}
			return c.remove(ctx, cmd.OutOrStdout(), old, nil)
		},
	}
	cmd.Flags().IntVar(&keep, "keep", 0,
		"number of scored runs, and of trials (--limit), to keep for each dataset; required")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only print the runs that would be removed")
	stateFlag(cmd, &state)
	return cmd
}

// olderThan returns the runs to remove, the newest first: finished runs that are older than the newest `keep` scored
// runs of their dataset. It leaves out runs that other runs need.
func (c *cleaner) olderThan(ctx context.Context, keep int) ([]string, error) {
	all, err := namedRuns(ctx, c.runs)
	if err != nil {
		return nil, err
	}
	scored := map[series]int{}
	var old []string
	with := map[string]bool{}
	for _, r := range all {
		of := series{r.dataset, c.isTrial(ctx, r.id)}
		if scored[of] >= keep {
			old = append(old, r.id)
			with[r.id] = true
			continue
		}
		counts, err := c.isScored(ctx, r.id)
		if err != nil {
			return nil, err
		}
		if counts {
			scored[of]++
		}
	}
	users, err := c.remover.Users(ctx)
	if err != nil {
		return nil, err
	}
	// A run that stays may use the scores of other runs, so check the other runs again.
	for again := true; again; {
		again = false
		for _, id := range old {
			if !with[id] {
				continue
			}
			err := c.remover.Check(ctx, id, users, with)
			if _, needed := errors.AsType[*subset.StillNeededError](err); needed || c.runningTraining(id) != "" {
				with[id], again = false, true
			} else if err != nil {
				return nil, fmt.Errorf("checking run %s: %w", id, err)
			}
		}
	}
	var removed []string
	for _, id := range old {
		if with[id] {
			removed = append(removed, id)
		}
	}
	return removed, nil
}

// A series is a group of runs of a dataset. gc keeps the newest runs of each series. Trials on a part of the dataset
// are a separate group, because a trial does not replace a run of the whole dataset.
type series struct {
	dataset string
	trial   bool
}

// isTrial reports whether a run is a trial. A run whose plan cannot be read does not count as a trial.
func (c *cleaner) isTrial(ctx context.Context, id string) bool {
	plan, err := c.runs.Plan(ctx, id)
	return err == nil && plan.Of > 0
}

// isScored reports whether a run was scored and did not fail. The run may be of another version of Harvest.
func (c *cleaner) isScored(ctx context.Context, id string) (bool, error) {
	outlines, err := c.runs.Outlines(ctx, []string{id})
	if err != nil || len(outlines) == 0 {
		return false, err
	}
	if outlines[0].State == run.StateRefused {
		scored, err := c.runs.Scored(ctx, id)
		if _, damaged := errors.AsType[*run.RefusedError](err); damaged {
			return false, nil
		}
		return scored, err
	}
	return outlines[0].State == run.StateScored, nil
}
