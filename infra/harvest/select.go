package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

var errFormatOfScores = usageError{
	errors.New("--output-format: is for the samples of a run, and not for --scores; leave it out"),
}

func newSelect() *cobra.Command {
	var (
		sel        selectionFlags
		files      scoreFileFlags
		out        outputFlags
		reported   reportFlags
		state, dir string
		maxFailed  run.Allowance
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
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := sel.specs()
			if err != nil {
				return err
			}
			format, err := out.outputFormat()
			if err != nil {
				return err
			}
			if files.given() {
				if format != "" {
					return errFormatOfScores
				}
				return files.selectSubset(cmd.Context(), requests, dir, cmd.OutOrStdout(), cmd.ErrOrStderr(), out.json)
			}
			l, err := limits(cmd.Context())
			if err != nil {
				return err
			}
			o := newOrder(requests, dir, reported, maxFailed, l.MaxFailed)
			o.Format = format
			show := newDisplay(out.quiet)
			res, err := selectSubsets(cmd.Context(), args[0], o, state, show)
			show.close()
			return res.report(cmd, out.json, err)
		},
	}
	sel.add(cmd)
	files.add(cmd)
	out.add(cmd)
	out.addFormat(cmd)
	reported.add(cmd)
	stateFlag(cmd, &state)
	maxFailedFlag(cmd, &maxFailed)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the subset and what explains it (default: out/<run>/<selection>); "+
		"with --scores the file of the subset")
	return cmd
}

// source is the input bucket that a selection is made from: none for text, which the run has, and the dataset for
// containers, which subsets are copied from.
func (r *result) source(plan *run.Plan) (bucket.Reader, error) {
	kind, contained := plan.Container()
	switch {
	case !contained:
		return bucket.NewView(nil)
	case r.input == nil:
		return nil, fmt.Errorf("run %s: its subset is copied from %s, which harvest serve reads, and this command does not: "+
			"ask serve for it (POST /v1/runs/%s/selections)", r.Run, kind.Name, r.Run)
	default:
		return r.input.bucket(r.input.spec())
	}
}

// selectSubsets makes the selections of an order from a scored run. Of a *failure it returns the result, too.
func selectSubsets(ctx context.Context, typed string, o order, state string, show *display) (*result, error) {
	start := time.Now()
	folder, work, err := openState(state)
	if err != nil {
		return nil, err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return nil, err
	}
	runID, err := findRun(ctx, runs, typed)
	if err != nil {
		return nil, err
	}
	res := &result{Run: runID, Seconds: map[string]float64{}, state: state}
	if in, err := loadInput(folder, runID); err == nil { // a run of serve has none
		res.input = &in
	}
	if res.status, err = subsets.RunStatus(ctx, runID); err != nil {
		return nil, unknownRun(err)
	}
	res.Samples = res.status.Samples
	if !res.status.IsScored() && res.status.Problem != "" {
		return nil, errors.New(res.status.Problem)
	}
	if !res.status.IsScored() {
		return nil, fmt.Errorf("run %s is not scored yet (%s); %s goes on with it",
			runID, res.status.State, res.command("resume"))
	}
	plan, err := runs.Plan(ctx, runID)
	if err != nil {
		return nil, err
	}
	if err := o.check(plan); err != nil {
		return nil, err
	}
	if _, err := plan.Resolve(o.Requests[len(o.Requests)-1]); err != nil {
		return nil, usageError{byFlags(err)}
	}
	input, err := res.source(plan)
	if err != nil {
		return nil, err
	}
	if o.Out != "" {
		if err := prepareOut(o.Out, folder); err != nil {
			return nil, err
		}
	}
	d := deployment{input: input, work: work, show: show}
	err = d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		return res.fulfil(ctx, s, o)
	})
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, err
}
