package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func newStatus() *cobra.Command {
	var (
		asJSON bool
		state  string
	)
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Report how far a run is, or list all runs",
		Args:  atMost(1), ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, work, err := openState(state)
			if err != nil {
				return err
			}
			runs, subsets, err := openRuns(work)
			if err != nil {
				return err
			}
			all, err := runsToList(cmd.Context(), runs, args)
			if err != nil {
				return err
			}
			statuses := make([]runStatus, len(all))
			for i, r := range all {
				st, err := subsets.RunStatus(cmd.Context(), r.id)
				if damaged := runs.Damaged(r.id, err); damaged != nil && len(args) == 0 {
					st, err = &subset.RunStatus{Status: *damaged}, nil
				}
				if err != nil {
					return unknownRun(err)
				}
				if statuses[i], err = withSpending(cmd.Context(), work, st); err != nil {
					return err
				}
				statuses[i].Accepted = r.accepted
				if statuses[i].FailedTrainings, err = failedTrainings(folder, r.id); err != nil {
					return err
				}
			}
			switch {
			case asJSON && len(args) == 1:
				return printJSON(cmd.OutOrStdout(), statuses[0])
			case asJSON:
				return printJSON(cmd.OutOrStdout(), statuses)
			case len(args) == 1:
				return statuses[0].print(cmd.OutOrStdout(), state)
			default:
				return printStatuses(cmd.OutOrStdout(), statuses)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// runsToList are the runs of a status: the one that is named, or all, the newest first.
func runsToList(ctx context.Context, runs *run.Reader, args []string) ([]namedRun, error) {
	if len(args) == 0 {
		return namedRuns(ctx, runs)
	}
	id, err := findRun(ctx, runs, args[0])
	if err != nil {
		return nil, err
	}
	accepted, err := runs.Accepted(ctx, id)
	return []namedRun{{id, run.DatasetOf(id), accepted}}, err
}

// A runStatus is a run's state, when it was asked for, and what it has paid for its ratings.
type runStatus struct {
	*subset.RunStatus
	Accepted time.Time `json:"accepted,omitzero"`
	Spent    *float64  `json:"spent,omitempty"` // US dollars; nil for scorers that cost nothing
	// FailedTrainings are those of serve --on-selection that are not tried again until the run is resumed.
	FailedTrainings []failedTraining `json:"failed_trainings,omitempty"`
}

// age is how long ago the run was asked for.
func (st runStatus) age() string {
	if st.Accepted.IsZero() {
		return "-"
	}
	return age(time.Since(st.Accepted))
}

// withSpending adds what a run has paid.
func withSpending(ctx context.Context, work bucket.Bucket, st *subset.RunStatus) (runStatus, error) {
	if st.Scorer != kinds.LLM {
		return runStatus{RunStatus: st}, nil
	}
	spent, err := llm.Spent(ctx, work, st.Run)
	return runStatus{RunStatus: st, Spent: &spent}, err
}

// printStatuses prints a line for each run.
func printStatuses(w io.Writer, statuses []runStatus) error {
	if len(statuses) == 0 {
		_, err := fmt.Fprintln(w, "no runs yet: start one with `harvest curate`")
		return err
	}
	t := newNarrowTable([]int{30, 12}, "run", "state", "scorer", "age", "samples", "done", "selections")
	for _, st := range statuses {
		t.AppendRow(table.Row{
			st.Run, st.State, st.Scorer, st.age(), st.Samples.In, st.Progress.SamplesDone, len(st.Selections),
		})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// print prints the status in full. state is the folder as it is typed.
func (st runStatus) print(w io.Writer, state string) error {
	t := newTable("run", st.Run)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("state", st.State)
	row("dataset", st.Dataset)
	row("age", st.age())
	row("samples", st.Samples.In)
	if st.Of > 0 {
		row("trial", fmt.Sprintf("on %s of %s records", separated(st.Samples.In), separated(st.Of)))
	}
	row("ranges read", fmt.Sprintf("%s of %s", separated(st.Progress.RangesCut), separated(st.Progress.Ranges)))
	row("shards scored", fmt.Sprintf("%s of %s", separated(st.Progress.ShardsScored), separated(st.Progress.Shards)))
	row("samples done", st.Progress.SamplesDone)
	if st.IsScored() {
		row("scored", st.Samples.Scored)
		if st.Reuse != "" {
			row("taken over", fmt.Sprintf("%s of %s scores, from run %s",
				separated(st.TakenOver), separated(st.Samples.In), st.Reuse))
		}
		row("failed", st.Samples.Failed)
		row("skipped", st.Samples.Skipped)
	}
	if st.Stopped != "" {
		row("stopped", st.Stopped)
	}
	for _, d := range st.DeadLetters {
		row("given up", fmt.Sprintf("%s after %d attempts: %s", d.Task(), d.Attempts, d.Reason))
	}
	for _, flag := range slices.Sorted(maps.Keys(st.Flags)) {
		row("flagged "+flag, st.Flags[flag])
	}
	if st.Spent != nil {
		row("spent", fmt.Sprintf("$%.4f", *st.Spent))
	}
	for _, t := range st.FailedTrainings {
		row("training failed", fmt.Sprintf("%s: %s; its log is %s", t.Selection, t.Problem, t.Log))
	}
	row("scorer", st.ScorerID)
	row("rubric", st.Rubric)
	row("selections", strings.Join(st.Selections, " "))
	text := t.Render()
	for _, note := range st.Notes {
		text += "\nnote: " + note
	}
	if st.Problem != "" {
		text += "\n" + st.Problem // too long for a cell
	}
	if st.State == run.StateStalled {
		text += "\n" + (&stalledError{st.RunStatus, state}).Error()
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
