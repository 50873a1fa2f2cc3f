package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

// clustersShown is the maximum number of printed clusters, and of printed samples of one cluster. --json lists all.
const clustersShown = 20

// A clusterReport is the JSON output of clusters.
type clusterReport struct {
	Run string `json:"run"`
	// Clusters is the number of clusters with two or more samples. Samples is the number of samples in these clusters.
	Clusters int             `json:"clusters"`
	Samples  int             `json:"samples"`
	Largest  []clusterLeader `json:"largest"`
}

// A clusterLeader is the first sample of a cluster.
type clusterLeader struct {
	subset.Duplicate
	Size int `json:"size"`
}

// A clustersCommand has the flags of clusters.
type clustersCommand struct {
	asJSON bool
	state  string
}

func newClusters() *cobra.Command {
	var c clustersCommand
	cmd := &cobra.Command{
		Use:   "clusters RUN [ID]",
		Short: "Find the near duplicates of a scored run, or list the near duplicates of a sample",
		Long: `Finds the near duplicates of a scored run and prints the largest clusters, or lists the near duplicates
of a sample. The command compares all samples of the run and stores the result. It compares them again only if the
stored result is damaged.

` + sampleNames,
		Example: `  harvest clusters demo-0123456789ab
  harvest clusters demo-0123456789ab chart-0001
  harvest clusters demo-0123456789ab @0`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return usageError{fmt.Errorf("name one run and at most one of its samples, not %s; `harvest status` lists runs, "+
				"`%s --help` says more", page.Plural(len(args), "argument"), cmd.CommandPath())}
		},
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := c.run(cmd.Context(), args, cmd.OutOrStdout())
			if refused, ok := errors.AsType[*run.RefusedError](err); ok {
				return usageError{refused}
			}
			return unknownRun(err)
		},
	}
	cmd.Flags().BoolVar(&c.asJSON, "json", false, "print JSON, with all clusters or samples")
	stateFlag(cmd, &c.state)
	return cmd
}

func (c clustersCommand) run(ctx context.Context, args []string, out io.Writer) error {
	_, work, err := openExisting(c.state)
	if err != nil {
		return err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return err
	}
	runID, err := findRun(ctx, runs, args[0])
	if err != nil {
		return err
	}
	found, err := subsets.FindClusters(ctx, work, runID)
	if err != nil {
		return err
	}
	if len(args) == 2 {
		return c.members(ctx, subsets, runID, args[1], found, out)
	}
	report := clusterReport{Run: runID, Largest: []clusterLeader{}}
	var leaders []int64
	leaders, report.Clusters, report.Samples = found.Largest(c.most(found))
	named, err := subsets.Named(ctx, runID, leaders)
	if err != nil {
		return err
	}
	for _, leader := range named {
		report.Largest = append(report.Largest, clusterLeader{leader, found.Size(int(leader.Index))})
	}
	if c.asJSON {
		return api.EncodeJSON(out, report)
	}
	return report.print(out, found.Len())
}

// members prints the near duplicates of a sample.
func (c clustersCommand) members(
	ctx context.Context, subsets *subset.Reader, runID, name string, found *subset.Clusters, out io.Writer,
) error {
	plan, index, err := subsets.One(ctx, runID, name)
	if err != nil {
		return err
	}
	members, err := subsets.Duplicates(ctx, plan, index, c.most(found))
	if err != nil {
		return err
	}
	if c.asJSON {
		return api.EncodeJSON(out, members)
	}
	return printDuplicates(out, name, members, found.Size(int(index))-1)
}

// most returns the maximum number of clusters, or of samples of one cluster, to print.
func (c clustersCommand) most(found *subset.Clusters) int {
	if c.asJSON {
		return found.Len()
	}
	return clustersShown
}

func (c *clusterReport) print(w io.Writer, samples int) error {
	if c.Clusters == 0 {
		_, err := fmt.Fprintf(w, "run %s has no near duplicates among its %s\n", c.Run, page.Plural(samples, "sample"))
		return err
	}
	_, err := fmt.Fprintf(w, "run %s: %s of near duplicates, with %s of %s\n", c.Run,
		page.Plural(c.Clusters, "cluster"), page.Group(c.Samples), page.Plural(samples, "sample"))
	if err != nil {
		return err
	}
	t := newNarrowTable([]int{50}, "first sample", "index", "samples")
	for _, leader := range c.Largest {
		t.AppendRow([]any{spelling.Shown(leader.ID), leader.Index, leader.Size})
	}
	_, err = fmt.Fprintln(w, t.Render())
	if more := c.Clusters - len(c.Largest); more > 0 && err == nil {
		_, err = fmt.Fprintf(w, "and %s more; --json lists all\n", page.Plural(more, "cluster"))
	}
	return err
}

// printDuplicates lists the near duplicates of a sample.
func printDuplicates(w io.Writer, name string, members []subset.Duplicate, all int) error {
	if all == 0 {
		_, err := fmt.Fprintf(w, "%s has no near duplicates\n", spelling.Shown(name))
		return err
	}
	_, err := fmt.Fprintf(w, "%s has %s\n", spelling.Shown(name), page.Plural(all, "near duplicate"))
	for _, m := range members {
		if err == nil {
			_, err = fmt.Fprintf(w, "    %s, index %d\n", spelling.Shown(m.ID), m.Index)
		}
	}
	if more := all - len(members); more > 0 && err == nil {
		_, err = fmt.Fprintf(w, "    and %s more; --json lists all\n", page.Group(more))
	}
	return err
}
