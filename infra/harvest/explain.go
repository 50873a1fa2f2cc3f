package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

func newExplain() *cobra.Command {
	var (
		asJSON bool
		state  string
	)
	cmd := &cobra.Command{
		Use:   "explain RUN SELECTION ID...",
		Short: "Explain why samples are selected or not",
		Long: "Explains why samples are selected. If a sample is not selected, it prints what was missing.\n\n" +
			sampleNames,
		Example: "  harvest explain demo-0123456789ab 0123456789ab chart-0001 chart-0002",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 3 {
				return usageError{fmt.Errorf("name a run, one of its selections and at least one sample; "+
					"`harvest status RUN` lists selections, `%s --help` says more", cmd.CommandPath())}
			}
			return nil
		},
		ValidArgsFunction: completeSelections(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, subsets, err := readState(state)
			if err != nil {
				return err
			}
			runID, err := findRun(cmd.Context(), runs, args[0])
			if err != nil {
				return err
			}
			selection, err := findSelection(cmd.Context(), subsets, state, runID, args[1])
			if err != nil {
				return err
			}
			explained, err := subsets.Explain(cmd.Context(), runID, selection, args[2:])
			var refused *run.RefusedError
			if errors.Is(err, subset.ErrNoSelection) || errors.As(err, &refused) {
				return usageError{err}
			} else if err != nil {
				return unknownRun(err)
			}
			if asJSON {
				return api.EncodeJSON(cmd.OutOrStdout(), explained)
			}
			for _, x := range explained {
				if err := printExplanation(cmd.OutOrStdout(), x); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// maxMisses is the maximum number of a sample's misses that are printed. --json has all.
const maxMisses = 5

// printExplanation prints the reason why a sample is selected or not.
func printExplanation(w io.Writer, x subset.Explanation) error {
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			words := strings.TrimLeft(fmt.Sprintf(format, args...), " ")
			indent := strings.Repeat(" ", len(format)-len(strings.TrimLeft(format, " ")))
			_, err = fmt.Fprintln(w, folded(words, indent))
		}
	}
	id := spelling.Shown(x.ID)
	switch {
	case x.Order > 0 && x.Rule == "turn":
		line("%s: selected as number %d, for %s, in round %d, from bin %q at rank %d",
			id, x.Order, x.Capability, x.Round, x.Bin, x.Rank)
	case x.Order > 0 && x.Rule == "bin":
		line("%s: selected as number %d, as the best of bin %q, for %s", id, x.Order, x.Bin, x.Capability)
	case x.Order > 0:
		line("%s: selected as number %d, by %s at rank %d", id, x.Order, x.Rule, x.Rank)
	case x.Failure != "":
		line("%s: not selected: %s: %s", id, x.Status, x.Failure)
	default:
		why := reason.Code(x.Reason)
		meaning := why.Meaning()
		if len(x.Conditions) > 0 {
			meaning = subset.Unfulfilled(x.Conditions)
		}
		line("%s: not selected: %s", id, why.Text(meaning))
		if x.NearTo != nil {
			line("    %s", nearInWords(x.NearTo))
		}
		if x.Nearest != nil {
			line("    nearest: %s", x.Nearest)
		}
		if x.Taken != nil {
			line("    taken last: %s", takenInWords(x.Taken))
		}
		for _, m := range x.Misses[:min(len(x.Misses), maxMisses)] {
			expected, last := "", "no sample was taken"
			if m.Expected != nil {
				expected = fmt.Sprintf(" (expected %.2f)", *m.Expected)
			}
			if m.Last != nil {
				last = fmt.Sprintf("taken: %d, the last with rating %d", m.Picked, *m.Last)
			}
			line("    rating %d%s for %s in %q; %s", m.Rating, expected, m.Capability, m.Bin, last)
		}
		for _, b := range x.Below[:min(len(x.Below), max(maxMisses-len(x.Misses), 0))] {
			rating := "no rating"
			if b.Rating != nil {
				rating = fmt.Sprintf("rating %d", *b.Rating)
			}
			line("    %s for %s; it must exceed %d", rating, b.Capability, b.Threshold)
		}
	}
	if len(x.Rated) > 0 && err == nil {
		_, err = fmt.Fprintln(w, ratingsInWords(x.Rated))
	}
	return err
}

// takenInWords returns a description of the sample that was taken instead of another.
func takenInWords(t *subset.Taken) string {
	words := fmt.Sprintf("%s, rated %d", spelling.Shown(t.ID), *t.Rating)
	if t.Expected != nil {
		words += fmt.Sprintf(" (expected %.2f)", *t.Expected)
	}
	words += fmt.Sprintf(": %+d", t.Gap)
	if t.ExpectedGap != nil {
		words += fmt.Sprintf(" (%+.2f)", *t.ExpectedGap)
	}
	return words
}

// ratingsInWords lists ratings, for a terminal of 80 columns.
func ratingsInWords(rated []subset.Rated) string {
	words := make([]string, len(rated))
	for i, r := range rated {
		words[i] = r.Capability + " -"
		if r.Rating != nil {
			words[i] = fmt.Sprintf("%s %d", r.Capability, *r.Rating)
		}
	}
	return folded("ratings: "+strings.Join(words, ", "), "    ")
}
