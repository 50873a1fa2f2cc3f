package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func newPlan() *cobra.Command {
	var (
		data   datasetFlags
		asJSON bool
		state  string
	)
	cmd := &cobra.Command{
		Use:   "plan MANIFEST...",
		Short: "Tell what curate would do: counts, problems, missing images, time; scores nothing",
		Args:  manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			in, spec, err := data.input(args)
			if err != nil {
				return err
			}
			_, work, err := openState(state)
			if err != nil {
				return err
			}
			files, err := in.bucket(spec)
			if err != nil {
				return err
			}
			l, err := limits(ctx)
			if err != nil {
				return err
			}
			runs, err := planner(files, work, in.Scorers, personLog(os.Stderr))
			if err != nil {
				return err
			}
			plan, err := runs.NewPlan(ctx, spec, l)
			if err != nil {
				return err
			}
			survey, err := runs.Survey(ctx, plan)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), planned{Run: plan.Run, Ranges: len(plan.Ranges), EstimatedCost: plan.EstimatedCost, Survey: survey})
			}
			return printPlan(cmd.OutOrStdout(), plan, survey)
		},
	}
	data.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// planned is the answer of plan --json.
type planned struct {
	Run           string  `json:"run"`
	Ranges        int     `json:"ranges"`
	EstimatedCost float64 `json:"estimated_cost"`
	*run.Survey
}

func printPlan(w io.Writer, plan *run.Plan, v *run.Survey) error {
	t := newTable("plan", plan.Run)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("samples", v.Samples)
	row("sound", v.Sound)
	row("text only", v.TextOnly)
	row("sources", len(v.Sources))
	row("images found", v.ImagesFound)
	row("images missing", v.ImagesMissing)
	row("ranges", len(plan.Ranges))
	row("shards", v.Shards)
	row("estimated time", time.Duration(v.Seconds*float64(time.Second)).Round(100*time.Millisecond).String())
	row("estimated cost", cost(plan, v))
	if e := v.Estimate; e != nil {
		row("limited by", e.LimitedBy)
		row("input tokens", e.InputTokens)
		row("output tokens", e.OutputTokens)
		if e.SpendingLimit > 0 {
			row("spending limit", fmt.Sprintf("$%.2f", e.SpendingLimit))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(v.Problems)) {
		row("problem: "+kind, v.Problems[kind])
	}
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return err
	}
	for _, example := range v.Examples {
		if _, err := fmt.Fprintln(w, example); err != nil {
			return err
		}
	}
	return nil
}
