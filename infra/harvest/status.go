package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/api"
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
		Short: "Report the progress of a run, or list all runs",
		Args:  atMost(1), ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, work, err := openExisting(state)
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
				if in, err := loadInput(folder, r.id); err == nil && in.Order != nil {
					last := in.Order.Requests[len(in.Order.Requests)-1]
					statuses[i].Parameters = last.WithoutIDs()
					statuses[i].Allow(in.allowed())
				}
				if statuses[i].FailedTrainings, err = failedTrainings(folder, r.id); err != nil {
					return err
				}
			}
			switch {
			case asJSON && len(args) == 1:
				return api.EncodeJSON(cmd.OutOrStdout(), statuses[0])
			case asJSON:
				return api.EncodeJSON(cmd.OutOrStdout(), statuses)
			case len(args) == 1:
				return statuses[0].print(cmd.OutOrStdout(), state)
			default:
				return printStatuses(cmd, statuses)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// runsToList returns the named run, or all runs, the newest first.
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

// A runStatus is a run's status, with the time of the run's request and the spent money.
type runStatus struct {
	*subset.RunStatus
	Accepted time.Time `json:"accepted,omitzero"`
	Spent    *float64  `json:"spent,omitempty"` // US dollars; nil for scorers that cost nothing
	// FailedTrainings are the failed trainings of serve --on-selection. serve tries them again only after the run is
	// resumed.
	FailedTrainings []failedTraining `json:"failed_trainings,omitempty"`
}

// age returns the time since the run was requested, as text.
func (st runStatus) age() string {
	if st.Accepted.IsZero() {
		return "-"
	}
	return age(time.Since(st.Accepted))
}

// withSpending adds the spending of a run.
func withSpending(ctx context.Context, work bucket.Bucket, st *subset.RunStatus) (runStatus, error) {
	if st.Scorer != kinds.LLM {
		return runStatus{RunStatus: st}, nil
	}
	spent, err := llm.Spent(ctx, work, st.Run)
	return runStatus{RunStatus: st, Spent: &spent}, err
}

// printStatuses prints a line for each run.
func printStatuses(cmd *cobra.Command, statuses []runStatus) error {
	if len(statuses) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), withState(cmd, "no runs yet: `harvest curate MANIFEST` starts one"))
		return err
	}
	for i, st := range statuses {
		lines := []string{fmt.Sprintf("%s  %s, %s old", st.Run, st.State, st.age())}
		if st.Samples.In > 0 {
			lines = append(lines, folded(st.counts(), "    "))
		}
		if asked := st.asked(); asked != "" {
			lines = append(lines, folded(asked, "    "))
		}
		if st.Waiting != nil {
			lines = append(lines, folded("waiting for the scorer: "+st.Waiting.Reason, "    "))
		}
		for _, problem := range st.Problems() {
			lines = append(lines, folded(withState(cmd, problem), "    "))
		}
		if i > 0 {
			lines[0] = "\n" + lines[0]
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// counts returns the size and the progress of the run, as text.
func (st runStatus) counts() string {
	p := st.Progress
	text := fmt.Sprintf("%s, %s: %s waiting, %s in flight, %s done", humanize.Bytes(uint64(st.Size)),
		number(int(st.Samples.In), "sample"), separated(st.Samples.In-p.SamplesInFlight-p.SamplesDone),
		separated(p.SamplesInFlight), separated(p.SamplesDone))
	if len(st.Selections) > 0 {
		text += "; " + number(len(st.Selections), "selection")
	}
	return text
}

// asked returns the scorer and the parameters of the run, as a user types them.
func (st runStatus) asked() string {
	words := []string{st.Scorer}
	if st.Of > 0 {
		words = append(words, fmt.Sprintf("--limit %d", st.Samples.In))
	}
	words = append(words, flagsOf(st.Parameters))
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// print prints the whole status. state is the value of --state as the user typed it.
func (st runStatus) print(w io.Writer, state string) error {
	t := newNarrowTable([]int{16, 56}, "run", st.Run)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("state", st.State)
	row("dataset", st.Dataset)
	row("age", st.age())
	row("size", humanize.Bytes(uint64(st.Size)))
	row("samples", st.Samples.In)
	if asked := flagsOf(st.Parameters); asked != "" {
		row("parameters", asked)
	}
	if st.Of > 0 {
		row("trial", fmt.Sprintf("on %s of %s", separated(st.Samples.In), number(int(st.Of), "record")))
	}
	row("ranges read", fmt.Sprintf("%s of %s", separated(st.Progress.RangesCut), separated(st.Progress.Ranges)))
	row("shards scored", fmt.Sprintf("%s of %s", separated(st.Progress.ShardsScored), separated(st.Progress.Shards)))
	row("waiting", st.Samples.In-st.Progress.SamplesInFlight-st.Progress.SamplesDone)
	row("in flight", st.Progress.SamplesInFlight)
	row("done", st.Progress.SamplesDone)
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
	text := t.Render() + "\n"
	for _, remark := range st.remarks(state) {
		text += folded(remark, "") + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// remarks returns notes that are too long for a cell.
func (st runStatus) remarks(state string) (lines []string) {
	for _, note := range st.Notes {
		lines = append(lines, "note: "+note)
	}
	lines = append(lines, st.Problems()...)
	if w := st.Waiting; w != nil {
		lines = append(lines, fmt.Sprintf("waiting for the scorer for %s, last request %s ago: %s\n%s",
			age(time.Since(w.Since)), age(time.Since(w.Asked)), w.Reason, w.Advice))
	}
	if st.State == run.StateStalled {
		lines = append(lines, (&stalledError{st.RunStatus, state}).Error())
	}
	return lines
}
