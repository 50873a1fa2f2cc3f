package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

// sampleNames is the part of help texts that explains the names of samples.
const sampleNames = `An ID is the id of a sample. ID#n is the n-th of several samples
with that id. @N is the sample with index N in the dataset, from 0, unless @N
is an id.`

func newShow() *cobra.Command {
	var (
		asJSON bool
		state  string
	)
	cmd := &cobra.Command{
		Use:     "show RUN ID...",
		Short:   "Print samples of a scored run: record, ratings, styles, status",
		Long:    "Prints samples of a scored run: record, ratings, styles, status.\n\n" + sampleNames,
		Example: "  harvest show demo-0123456789ab chart-0001 chart-0002",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{fmt.Errorf("name a run and at least one of its samples; `harvest status` lists runs, "+
					"`%s --help` says more", cmd.CommandPath())}
			}
			return nil
		},
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, subsets, err := readState(state)
			if err != nil {
				return err
			}
			runID, err := findRun(cmd.Context(), runs, args[0])
			if err != nil {
				return err
			}
			samples, err := subsets.Show(cmd.Context(), runID, args[1:])
			if refused, ok := errors.AsType[*run.RefusedError](err); ok {
				return usageError{refused}
			} else if err != nil {
				return unknownRun(err)
			}
			if asJSON {
				return api.EncodeJSON(cmd.OutOrStdout(), samples)
			}
			for _, s := range samples {
				if err := printSample(cmd, s); err != nil {
					return err
				}
			}
			_, problem, err := subsets.ClustersState(cmd.Context(), runID)
			if problem != "" {
				_, err = fmt.Fprintln(cmd.ErrOrStderr(), "harvest: warning:", withState(cmd, problem))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// printSample prints a sample's scores and its record.
func printSample(cmd *cobra.Command, s subset.Shown) error {
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
		}
	}
	line("%s: %s, index %d, %s", spelling.Shown(s.ID), s.Status, s.Index, s.Place)
	if s.Failure != "" {
		line("%s", folded("problem: "+s.Failure, "    "))
	}
	line("    source: %s", spelling.Shown(s.Source))
	for _, list := range []struct {
		name  string
		words []string
	}{{"styles", s.Styles}, {"other styles", s.OtherStyles}, {"flags", s.Flags}} {
		if len(list.words) > 0 {
			line("%s", folded(list.name+": "+strings.Join(list.words, ", "), "    "))
		}
	}
	line("    %d %s, %d of answers; turns of the human: %d, images: %d", s.Tokens, spelling.Plural(s.Tokens, "token"),
		s.AnswerTokens, s.Turns, s.Images)
	if s.Cluster != nil {
		line("    near duplicates: %d (%s lists them)", s.Cluster.Size-1, withState(cmd, "`harvest clusters RUN ID`"))
	}
	if len(s.Rated) > 0 {
		line("%s", ratingsInWords(s.Rated))
	}
	var record bytes.Buffer
	if json.Indent(&record, s.Record, "    ", "  ") != nil {
		record.Write(s.Record)
	}
	line("    record: %s", record.String())
	return err
}
