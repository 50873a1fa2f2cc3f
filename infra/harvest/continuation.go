package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/spf13/cobra"
)

// A continuation is a call of the API that continues a run. It returns the status of the run, or of a new attempt of
// the run.
type continuation func(ctx context.Context, client *api.Client, runID string) (*subset.RunStatus, error)

// An attemptChoice returns the id of the attempt that a command continues if a user names the run runID.
type attemptChoice func(ctx context.Context, runs *run.Reader, runID string) (string, error)

// newContinuation returns a command that continues a run and completes its selections: resume or retry. prepare is
// called first, with the open state folder. If prepare returns true, the command has nothing else to do. If skip
// returns a text, the command prints the text and does nothing else.
func newContinuation(
	name, short string, prepare func(*cobra.Command, *continuedRun) (bool, error), attempt attemptChoice,
	skip func(*subset.RunStatus) string, call continuation,
) *cobra.Command {
	var (
		out    outputFlags
		state  string
		scorer scorerFlags
	)
	cmd := &cobra.Command{
		Use:   name + " RUN",
		Short: short,
		Args:  runArg, ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := openContinued(state, args[0])
			if err != nil {
				return err
			}
			if done, err := prepare(cmd, c); done || err != nil {
				return err
			}
			if err := c.find(cmd.Context(), attempt, cmd.ErrOrStderr()); err != nil {
				return err
			}
			if text := skip(c.status); text != "" {
				return c.skipped(cmd, text, out.json)
			}
			show := newDisplay(out.quiet)
			err = c.work(cmd.Context(), scorer, call, show)
			show.close()
			return c.report(cmd, out.json, err)
		},
	}
	out.add(cmd)
	stateFlag(cmd, &state)
	// By default the scorer has the same URL as before.
	scorer.add(cmd, "")
	return cmd
}

// A continuedRun is a run that a command continues.
type continuedRun struct {
	*result
	folder  string // the state folder
	bucket  bucket.Bucket
	runs    *run.Reader
	subsets *subset.Reader
	plan    *run.Plan
}

// openContinued opens the state folder for a command that continues a run. state and name are the user's words.
func openContinued(state, name string) (*continuedRun, error) {
	c := &continuedRun{result: &result{Run: name, Seconds: map[string]float64{}, state: state}}
	var err error
	if c.folder, c.bucket, err = openExisting(state); err != nil {
		return nil, err
	}
	c.runs, c.subsets, err = openRuns(c.bucket)
	return c, err
}

// find finds the run in the state folder, and prints a note if the command continues another attempt than the attempt
// that the user named.
func (c *continuedRun) find(ctx context.Context, attempt attemptChoice, notes io.Writer) (err error) {
	if c.Run, err = findRun(ctx, c.runs, c.Run); err != nil {
		return err
	}
	named := c.Run
	if c.Run, err = attempt(ctx, c.runs, named); err != nil {
		return err
	}
	if c.Run != named {
		fmt.Fprintf(notes, "harvest: run %s was retried before; this command continues its latest attempt, "+
			"%s\n", named, c.Run)
	}
	if c.plan, err = c.runs.Plan(ctx, c.Run); err != nil {
		return unknownRun(err)
	}
	if c.status, err = c.subsets.RunStatus(ctx, c.Run); err != nil {
		return err
	}
	in, err := loadInput(c.folder, c.Run)
	c.input = &in
	return err
}

// skipped prints the reason why the command did nothing.
func (c *continuedRun) skipped(cmd *cobra.Command, text string, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "harvest:", text)
	return c.printStatus(cmd, true)
}

// work continues the run, waits until it is scored, and makes the requested selections.
func (c *continuedRun) work(ctx context.Context, scorer scorerFlags, call continuation, show *display) (err error) {
	if scorer.scorer != "" {
		var kind string
		if kind, c.input.Scorers, err = scorer.choose(c.input.Scorers); err != nil {
			return err
		}
		if kind != c.plan.Scorer {
			return usageError{fmt.Errorf("--scorer %q: run %s has the scorer %s, which cannot change; curate the dataset "+
				"again to start a run with another scorer", scorer.scorer, c.Run, c.plan.Scorer)}
		}
	}
	files, err := c.input.bucket(c.input.spec())
	if err != nil {
		return err
	}
	start := time.Now()
	d := deployment{input: files, work: c.bucket, scorers: c.input.Scorers, state: c.state, show: show}
	if c.input.Order != nil {
		d.order = *c.input.Order
	}
	err = d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		status, err := call(ctx, s.api, c.Run)
		if err != nil {
			return err
		}
		c.Run = status.Run
		if err := c.input.save(c.folder, c.Run); err != nil {
			return err
		}
		if err := c.score(ctx, s); err != nil || c.input.Order == nil {
			return err
		}
		return c.fulfil(ctx, s, *c.input.Order)
	})
	c.Seconds["total"] = time.Since(start).Seconds()
	return err
}

// report prints the selections. If no selection was requested, it prints the run's status and the next command.
func (c *continuedRun) report(cmd *cobra.Command, asJSON bool, worked error) error {
	if c.input.Order != nil {
		return c.result.report(cmd, asJSON, worked)
	}
	if worked != nil {
		return worked
	}
	if err := c.printStatus(cmd, asJSON); err != nil {
		return err
	}
	if c.status.State == run.StateFailed {
		return errors.New(c.status.Problem)
	}
	if !asJSON {
		_, err := fmt.Fprintf(cmd.OutOrStdout(),
			"the run is scored, and no selection was requested: %s with --budget makes one\n", c.command("select"))
		return err
	}
	return nil
}

func (c *continuedRun) printStatus(cmd *cobra.Command, asJSON bool) error {
	status, err := withSpending(cmd.Context(), c.bucket, c.status)
	if err != nil {
		return err
	}
	if asJSON {
		return api.EncodeJSON(cmd.OutOrStdout(), status)
	}
	return status.print(cmd.OutOrStdout(), c.state)
}
