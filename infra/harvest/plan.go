package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
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
		Short: "Report what curate would do, without scoring: counts, problems, missing images, time",
		Args:  manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := data.plan(cmd.Context(), args, state)
			if err != nil {
				return err
			}
			defer plan.clean(cmd.Context())
			if err := plan.warnOfImages(cmd.Context(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			if err := plan.probe(cmd.Context()); err != nil {
				return err
			}
			survey, err := plan.planner.Survey(cmd.Context(), plan.Plan)
			if err != nil {
				return err
			}
			changes, err := plan.planner.ChangedImages(cmd.Context(), plan.Plan, func(int64) {})
			if err != nil {
				return err
			}
			if err := warnOfMixedTypes(cmd.ErrOrStderr(), survey); err != nil {
				return err
			}
			if asJSON {
				err = api.EncodeJSON(cmd.OutOrStdout(), api.NewPlanReport(plan.Plan, survey, changes))
			} else {
				err = plan.print(cmd.OutOrStdout(), survey, changes)
			}
			if err == nil && survey.Valid == 0 {
				err = nothingUsable(survey)
			}
			return err
		},
	}
	data.add(cmd)
	data.addLimit(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// printModes prints the mode of a scorer that has two modes, and the estimate for the other mode.
func printModes(row func(string, any), e *scorer.Estimate) {
	if o := e.Other; o != nil {
		row("mode", e.Mode)
		row("mode "+o.Mode+" instead",
			fmt.Sprintf("%s, %s", dollarsOf(o), tokens(o.InputTokens, o.CachedTokens, o.OutputTokens)))
	}
}

// print prints the plan, with the results of the survey, and with the images that have changed since the run was
// scored.
func (p *localPlan) print(w io.Writer, v *run.Survey, changes run.ImageChanges) error {
	t := newTable("plan", p.Run)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("form", v.Forms)
	if kind, contained := p.Container(); contained {
		row("in", kind.Name)
	}
	row("samples", v.Samples)
	if p.Of > 0 {
		row("trial", fmt.Sprintf("on %s of %s", separated(p.Samples), number(int(p.Of), "record")))
	}
	row("valid", v.Valid)
	row("text only", v.TextOnly)
	row("sources", len(v.Sources))
	row("images found", v.ImagesFound)
	row("images missing", v.ImagesMissing)
	if v.ImagesMissing > 1 {
		row("", "(an image of several samples counts for each)")
	}
	if changes.Changed > 0 {
		row("new or changed images", fmt.Sprintf("%d of %s; at least %s taken over",
			changes.Changed, number(int(changes.Samples), "sample"), number(int(changes.Kept), "score")))
	}
	row("ranges", len(p.Ranges))
	row("shards", v.Shards)
	row("estimated time", seconds(v.Seconds, 100*time.Millisecond).String())
	row("estimated cost", p.cost(v))
	if e := v.Estimate; e != nil {
		row("limited by", e.LimitedBy)
		row("input tokens", e.InputTokens)
		if e.CachedTokens > 0 {
			row("of them cached", e.CachedTokens)
		}
		row("output tokens", e.OutputTokens)
		printModes(row, e)
		if e.SpendingLimit > 0 {
			row("spending limit", fmt.Sprintf("$%.2f", e.SpendingLimit))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(v.Problems)) {
		row("problem: "+code.Phrase(), v.Problems[code])
	}
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return err
	}
	if err := printReach(w, v.Reach, "rated", "the output of --json"); err != nil {
		return err
	}
	if err := printForms(w, v); err != nil {
		return err
	}
	return printExamples(w, v)
}

// printExamples prints examples of invalid records.
func printExamples(w io.Writer, v *run.Survey) error {
	for _, code := range slices.Sorted(maps.Keys(v.Examples)) {
		for _, example := range v.Examples[code] {
			if _, err := io.WriteString(w, hanging(fmt.Sprintln(example))); err != nil {
				return err
			}
		}
		if more := v.Problems[code] - int64(len(v.Examples[code])); more > 0 {
			if _, err := fmt.Fprintf(w, "... and %d more: %s\n", more, code.Phrase()); err != nil {
				return err
			}
		}
	}
	return nil
}
