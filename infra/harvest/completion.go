package main

import (
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
)

// A flagCompletion lists the values that a shell offers for a flag.
type flagCompletion struct {
	flag   string
	values []string
	list   bool   // the value is a list with commas
	end    string // text that is added after a value to which the user must add more
}

// flagCompletions returns the completions of flags. A completion applies to every command that has the flag.
// Capabilities and styles come from the default rubric.
func flagCompletions() []flagCompletion {
	standard := rubric.Default()
	return []flagCompletion{
		{flag: "strategy", values: selection.StrategyNames()},
		{flag: "visual-tokens", values: selection.VisualTokensNames()},
		{flag: "within-bin", values: []string{string(selection.ByPosition), string(selection.ByScore)}},
		{flag: "capabilities", values: standard.Capabilities, list: true},
		{flag: "weights", values: standard.Capabilities, list: true, end: "="},
		{flag: "thresholds", values: standard.Capabilities, list: true, end: "="},
		{flag: "keep-styles", values: standard.Styles, list: true},
		{flag: "drop-styles", values: standard.Styles, list: true},
		{flag: "cap-modality", values: selection.ModalityNames(), list: true, end: "="},
		{flag: "scorer", values: []string{kinds.Embedded, kinds.GPU + ":", kinds.LLM + ":"}},
		{flag: "llm-mode", values: scorer.Modes},
		{flag: "format", values: forms.Names()},
		{flag: "output-format", values: forms.Outputs()},
		{flag: "for", values: export.Trainers()},
		{flag: "report-pictures", values: []string{"small", "none"}},
	}
}

// addCompletions adds completion of flag values to the commands below root.
func addCompletions(root *cobra.Command) error {
	for _, command := range root.Commands() {
		for _, c := range flagCompletions() {
			if command.Flags().Lookup(c.flag) == nil {
				continue
			}
			if err := command.RegisterFlagCompletionFunc(c.flag, c.offer); err != nil {
				return err
			}
		}
	}
	return nil
}

// offer returns the values that the shell offers. In a list, each follows the values that are already typed.
func (c flagCompletion) offer(
	_ *cobra.Command, _ []string, typed string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := ""
	if c.list {
		before = typed[:strings.LastIndexByte(typed, ',')+1]
	}
	var offered []cobra.Completion
	open := false
	for _, value := range c.values {
		if full := before + value + c.end; strings.HasPrefix(full, typed) {
			offered = append(offered, full)
			open = open || strings.HasSuffix(full, "=") || strings.HasSuffix(full, ":")
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if open {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return offered, directive
}

// completeRuns offers the runs of a state folder for an argument that names a run.
func completeRuns(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	runs, _, err := readState(cmd.Flag("state").Value.String())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, err := namedRuns(cmd.Context(), runs)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	offered := []cobra.Completion{cobra.CompletionWithDesc(latest, "the newest run")}
	for _, r := range all {
		offered = append(offered, cobra.CompletionWithDesc(r.id, age(time.Since(r.accepted))+" old"))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeSelections offers runs for the first argument. It offers the run's selections for the second argument and for
// `more` further arguments.
func completeSelections(more int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return completeRuns(cmd, args, typed)
		}
		if len(args) > 1+more {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		runs, subsets, err := readState(cmd.Flag("state").Value.String())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		runID, err := findRun(cmd.Context(), runs, args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ids, err := subsets.List(cmd.Context(), runID)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		offered := []cobra.Completion{cobra.CompletionWithDesc(latest, "the newest selection")}
		for _, id := range ids {
			sel, err := subsets.Selection(cmd.Context(), runID, id)
			if err != nil {
				continue // a command that names a damaged run reports the damage
			}
			offered = append(offered, cobra.CompletionWithDesc(id, number(sel.Selected, "sample")))
		}
		return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeManyRuns offers runs for each argument.
func completeManyRuns(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	offered, directive := completeRuns(cmd, nil, typed)
	return slices.DeleteFunc(offered, func(c cobra.Completion) bool {
		name, _, _ := strings.Cut(c, "\t")
		return slices.Contains(args, name)
	}), directive
}
