package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func runArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("name one run; `harvest status` lists them, `%s --help` tells more", cmd.CommandPath())}
	}
	return nil
}

func newSelect() *cobra.Command {
	var (
		sel        selectionFlags
		files      fileFlags
		out        outputFlags
		state, dir string
	)
	cmd := &cobra.Command{
		Use:   "select RUN | select --scores DIR --manifest FILE --out FILE",
		Short: "Select another subset of a scored run, or from score files, without scoring again",
		Example: `  harvest select demo-0123456789ab --budget 10%
  harvest select demo-0123456789ab --budget 5%,10%,30% --cap-source 10% --weights "stem knowledge=3"
  harvest select --scores scores --manifest manifest.json --budget 0.3 --out subset.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if files.given() {
				return atMost(0)(cmd, args)
			}
			return runArg(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			specs, err := sel.specs()
			if err != nil {
				return err
			}
			if files.given() {
				return files.selectFrom(cmd.Context(), specs, dir, cmd.OutOrStdout(), out.json)
			}
			show := newDisplay(out.quiet)
			res, err := selectFrom(cmd.Context(), args[0], specs, state, dir, show)
			show.close()
			if err != nil {
				return err
			}
			return res.print(cmd.OutOrStdout(), out.json)
		},
	}
	sel.add(cmd)
	files.add(cmd)
	out.add(cmd)
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the subset and what explains it (default: out/<run>/<selection>); with --scores the file of the subset")
	return cmd
}

func selectFrom(ctx context.Context, runID string, specs []selection.Request, state, dir string, show *display) (*result, error) {
	start := time.Now()
	_, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	input, err := noInput()
	if err != nil {
		return nil, err
	}
	res := &result{Run: runID, Seconds: map[string]float64{}}
	if res.status, err = store(input, work).Status(ctx, runID); err != nil {
		return nil, unknownRun(err)
	}
	res.Samples = res.status.Samples
	if res.status.State != run.StateScored {
		return nil, fmt.Errorf("run %s is not scored yet (%s); `harvest resume %s` goes on with it", runID, res.status.State, runID)
	}
	err = withSession(ctx, input, work, kinds.Config{}, show, func(ctx context.Context, s session) error {
		return res.chooseAll(ctx, s, specs, work, dir)
	})
	if err != nil {
		return nil, err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, nil
}

func unknownRun(err error) error {
	if errors.Is(err, run.ErrNoRun) {
		return usageError{fmt.Errorf("%w; `harvest status` lists the runs of a state folder", err)}
	}
	return err
}

func newStatus() *cobra.Command {
	var (
		asJSON bool
		state  string
	)
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Tell how far a run is, or list all runs",
		Args:  atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, work, err := openState(state)
			if err != nil {
				return err
			}
			runs := store(nil, work)
			ids := args
			if len(ids) == 0 {
				if ids, err = runs.Runs(cmd.Context()); err != nil {
					return err
				}
			}
			statuses := make([]runStatus, len(ids))
			for i, id := range ids {
				st, err := runs.Status(cmd.Context(), id)
				if err != nil {
					return unknownRun(err)
				}
				if statuses[i], err = withSpending(cmd.Context(), work, st); err != nil {
					return err
				}
			}
			switch {
			case asJSON && len(args) == 1:
				return printJSON(cmd.OutOrStdout(), statuses[0])
			case asJSON:
				return printJSON(cmd.OutOrStdout(), statuses)
			case len(args) == 1:
				return printStatus(cmd.OutOrStdout(), statuses[0])
			default:
				return printStatuses(cmd.OutOrStdout(), statuses)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	stateFlag(cmd, &state)
	return cmd
}

// A runStatus is a run's state and what it has paid for its ratings.
type runStatus struct {
	*run.Status
	Spent *float64 `json:"spent,omitempty"` // US dollars; nil for scorers that cost nothing
}

func withSpending(ctx context.Context, work bucket.Bucket, st *run.Status) (runStatus, error) {
	if st.Scorer != kinds.LLM {
		return runStatus{Status: st}, nil
	}
	spent, err := llm.Spent(ctx, work, st.Run)
	return runStatus{Status: st, Spent: &spent}, err
}

func printStatuses(w io.Writer, statuses []runStatus) error {
	if len(statuses) == 0 {
		_, err := fmt.Fprintln(w, "no runs yet: start one with `harvest curate`")
		return err
	}
	t := newTable("run", "state", "samples", "done", "selections")
	for _, st := range statuses {
		t.AppendRow(table.Row{st.Run, st.State, st.Samples.In, st.Progress.SamplesDone, len(st.Selections)})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

func printStatus(w io.Writer, st runStatus) error {
	t := newTable("run", st.Run)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	row("state", st.State)
	if st.Problem != "" {
		row("problem", st.Problem)
	}
	row("dataset", st.Dataset)
	row("samples", st.Samples.In)
	row("ranges read", fmt.Sprintf("%d of %d", st.Progress.RangesCut, st.Progress.Ranges))
	row("shards scored", fmt.Sprintf("%d of %d", st.Progress.ShardsScored, st.Progress.Shards))
	row("samples done", st.Progress.SamplesDone)
	if st.State == run.StateScored {
		row("scored", st.Samples.Scored)
		row("failed", st.Samples.Failed)
		row("skipped", st.Samples.Skipped)
	}
	for _, d := range st.Dead {
		row("given up", fmt.Sprintf("range %d shard %d after %d attempts: %s", d.Range, d.Shard, d.Attempts, d.Reason))
	}
	for _, flag := range slices.Sorted(maps.Keys(st.Flags)) {
		row("flagged "+flag, st.Flags[flag])
	}
	if st.Spent != nil {
		row("spent", fmt.Sprintf("$%.4f", *st.Spent))
	}
	row("scorer", st.ScorerID)
	row("rubric", st.Rubric)
	row("selections", strings.Join(st.Selections, " "))
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

func newResume() *cobra.Command {
	var giveUp bool
	cmd := goOn("resume", "Go on with a run that was interrupted or is stalled", func(ctx context.Context, s session, runID string) (*run.Status, error) {
		return s.api.Resume(ctx, runID, api.Resume{GiveUp: giveUp})
	})
	cmd.Flags().BoolVar(&giveUp, "give-up", false, "record the samples of shards that were given up as failed, so that the run completes")
	return cmd
}

func newRetry() *cobra.Command {
	return goOn("retry", "Try the failed samples of a scored run again, as when images came late", func(ctx context.Context, s session, runID string) (*run.Status, error) {
		return s.api.Retry(ctx, runID)
	})
}

// goOn is a command that sets a run going with one call of the API, and waits until it is scored.
func goOn(name, short string, call func(context.Context, session, string) (*run.Status, error)) *cobra.Command {
	var (
		out    outputFlags
		state  string
		scorer scorerFlags
	)
	cmd := &cobra.Command{
		Use:   name + " RUN",
		Short: short,
		Args:  runArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			show := newDisplay(out.quiet)
			status, err := waitScored(cmd.Context(), args[0], state, scorer, show, call)
			show.close()
			if err != nil {
				return err
			}
			if out.json {
				return printJSON(cmd.OutOrStdout(), status)
			}
			return printStatus(cmd.OutOrStdout(), status)
		},
	}
	out.add(cmd)
	stateFlag(cmd, &state)
	// By default it is where it was.
	scorer.add(cmd, "")
	return cmd
}

func waitScored(ctx context.Context, runID, state string, scorer scorerFlags, show *display, call func(context.Context, session, string) (*run.Status, error)) (runStatus, error) {
	state, work, err := openState(state)
	if err != nil {
		return runStatus{}, err
	}
	plan, err := store(nil, work).Plan(ctx, runID)
	if err != nil {
		return runStatus{}, unknownRun(err)
	}
	in, err := loadInput(state, runID)
	if err != nil {
		return runStatus{}, err
	}
	if scorer.scorer != "" {
		var kind string
		if kind, in.Scorers, err = scorer.choose(in.Scorers); err != nil {
			return runStatus{}, err
		}
		if kind != plan.Scorer {
			return runStatus{}, usageError{fmt.Errorf("--scorer %q: run %s has the scorer %s; start its dataset again for a run with another", scorer.scorer, runID, plan.Scorer)}
		}
	}
	files, err := in.bucket(in.spec())
	if err != nil {
		return runStatus{}, err
	}
	var status *run.Status
	err = withSession(ctx, files, work, in.Scorers, show, func(ctx context.Context, s session) error {
		if status, err = call(ctx, s, runID); err != nil {
			return err
		}
		if err := in.save(state, status.Run); err != nil {
			return err
		}
		status, err = s.score(ctx, status.Run, map[string]float64{})
		return err
	})
	if err != nil {
		return runStatus{}, err
	}
	return withSpending(ctx, work, status)
}

// defaultOut is where select puts a selection unless told otherwise: selections of one run do not overwrite each other.
func defaultOut(sel *run.Selection) string { return filepath.Join("out", sel.Run, sel.ID) }
