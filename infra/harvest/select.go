package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

// A selectCommand has the flags of select.
type selectCommand struct {
	sel        selectionFlags
	files      scoreFileFlags
	out        outputFlags
	reported   reportFlags
	sweep      sweepFlags
	arms       string
	state, dir string
	maxFailed  run.Allowance
}

func newSelect() *cobra.Command {
	var c selectCommand
	cmd := &cobra.Command{
		Use:   "select RUN | select --scores DIR --manifest FILE --out FILE",
		Short: "Select another subset of a scored run, or from score files, without scoring again",
		Example: `  harvest select demo-0123456789ab --budget 10%
  harvest select demo-0123456789ab --budget 5%,10%,30% --cap-source 10% --weights "stem knowledge=3"
  harvest select demo-0123456789ab --budget 30% --sweep
  harvest select demo-0123456789ab --arms arms.yaml --out arms
  harvest select --scores scores --manifest manifest.json --budget 0.3 --out subset.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if c.files.given() {
				return atMost(0)(cmd, args)
			}
			return runArg(cmd, args)
		},
		ValidArgsFunction: completeRuns,
		RunE:              c.run,
	}
	c.sel.add(cmd)
	c.files.add(cmd)
	c.out.add(cmd)
	c.out.addFormat(cmd)
	c.reported.add(cmd)
	c.sweep.add(cmd)
	stateFlag(cmd, &c.state)
	maxFailedFlag(cmd, &c.maxFailed, "the limit of the last curate of the run")
	cmd.Flags().StringVar(&c.arms, "arms", "", "YAML file of several selections, by name. A selection has a budget, and "+
		"may have any other parameter of dataset.yaml. It is written to the folder of its name in --out")
	cmd.Flags().StringVar(&c.dir, "out", "", "folder for the subset and its explanations (default: "+
		"out/<run>/<selection>); with --scores the file of the subset")
	return cmd
}

func (c *selectCommand) run(cmd *cobra.Command, args []string) error {
	format, err := c.out.outputFormat()
	if err != nil {
		return err
	}
	if err := c.refuseUnused(cmd); err != nil {
		return err
	}
	if c.arms != "" {
		return c.selectArms(cmd, args, format)
	}
	requests, err := c.sel.requests(cmd.Context(), c.state)
	if err != nil {
		return err
	}
	if c.files.given() {
		return c.files.selectSubset(cmd.Context(), requests, c.sel.files(), c.dir, cmd.OutOrStdout(), cmd.ErrOrStderr(),
			c.out.json)
	}
	o, err := newOrder(requests, c.dir, c.reported, c.maxFailed).with(c.sel, c.out)
	if err != nil {
		return err
	}
	if c.sweep.sweep {
		return c.sweep.run(cmd, args[0], o, c.state, c.maxFailed, c.out.json)
	}
	show := newDisplay(c.out.quiet)
	results, err := selectSubsets(cmd.Context(), args[0], []order{o}, c.state, show)
	show.close()
	if len(results) == 0 {
		return err
	}
	return results[0].report(cmd, c.out.json, err)
}

// refuseUnused returns an error for a flag that this use of select does not support. If the flag were ignored, the user
// would get another selection than requested.
func (c *selectCommand) refuseUnused(cmd *cobra.Command) error {
	var unused []string
	var why string
	switch {
	case c.files.given():
		why = "it selects from the samples of a run, and cannot be used with --scores"
		unused = []string{
			"arms", "sweep", "rating-error", "output-format", "no-report", "report-pictures", "max-failed", "state",
			"scores-from", "where", "tie-break", "by", "exclude-near", "exclude-images", "max-per-cluster", "cap-template",
		}
	case c.sweep.sweep:
		why = "--sweep selects nothing and writes no file"
		unused = []string{"arms", "out", "output-format", "no-report", "report-pictures"}
	default:
		why = "it is used only with --sweep"
		unused = []string{"rating-error"}
	}
	for _, flag := range unused {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s: %s; remove the flag", flag, why)}
		}
	}
	return nil
}

// source returns the input bucket for selections. Subsets of containers are copied from it, reports show its images,
// and it has the evaluation sets of the orders. For a run of serve, the place of the dataset is not known here. Then
// source returns an error for a dataset of containers, and a bucket without manifests for other datasets.
func (r *result) source(plan *run.Plan, orders []order) (bucket.Reader, error) {
	var all order
	for _, o := range orders {
		all.Near = append(all.Near, o.Near...)
	}
	kind, contained := plan.Container()
	switch {
	case r.input == nil && !contained:
		return all.nearInput()
	case r.input == nil:
		return nil, fmt.Errorf("run %s: the subset has to be copied from %s, and only the `harvest serve` that read it "+
			"can do this: request the selection there (POST /v1/runs/%s/selections)", r.Run, kind.Name, r.Run)
	default:
		in := *r.input
		in.Order = &all
		return in.bucket(in.spec())
	}
}

// selectSubsets makes the selections of orders from a scored run. If the error is a *failure, it also returns the
// results.
func selectSubsets(
	ctx context.Context, typed string, orders []order, state string, show *display,
) ([]*result, error) {
	start := time.Now()
	folder, work, err := openExisting(state)
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
	res := result{Run: runID, state: state}
	in, err := loadInput(folder, runID)
	if err == nil { // a run of serve has no saved input
		res.input = &in
	}
	if res.status, err = subsets.RunStatus(ctx, runID); err != nil {
		return nil, unknownRun(err)
	}
	res.status.Allow(in.allowed())
	for i := range orders {
		orders[i].MaxFailed = orders[i].MaxFailed.Or(in.allowed())
	}
	res.Samples = res.status.Samples
	if err := res.checkScored(); err != nil {
		return nil, err
	}
	plan, err := runs.Plan(ctx, runID)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		if err := res.accept(o, plan); err != nil {
			return nil, o.named(err)
		}
	}
	input, err := res.source(plan, orders)
	if err != nil {
		return nil, err
	}
	d := deployment{input: input, work: work, state: state, show: show}
	for _, o := range orders {
		d.order.Near = append(d.order.Near, o.Near...)
	}
	if res.input == nil {
		d.pictures = report.NoImages("harvest serve read the dataset, so the command that made this cannot reach its images")
	}
	return res.makeAll(ctx, d, orders, start)
}

// makeAll makes the selections of orders, and returns a result for each order.
func (r *result) makeAll(ctx context.Context, d deployment, orders []order, start time.Time) ([]*result, error) {
	results := make([]*result, 0, len(orders))
	err := d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		// Check all orders before making a selection, and make all selections before writing files. So if one order is
		// invalid, no files of the other orders are left.
		for _, o := range orders {
			if len(orders) == 1 {
				break
			}
			if chooses, err := r.preview(ctx, s, o); err != nil {
				return o.named(err)
			} else if !chooses { // an attempt to make this order returns the reason as an error
				orders = []order{o}
				break
			}
		}
		for _, o := range orders {
			one := *r
			one.Seconds = map[string]float64{}
			results = append(results, &one)
			if err := one.choose(ctx, s, o); err != nil {
				return o.named(err)
			}
		}
		for i, o := range orders {
			err := results[i].write(ctx, s, o)
			results[i].Seconds["total"] = time.Since(start).Seconds()
			if err != nil {
				return o.named(err)
			}
		}
		return nil
	})
	return results, err
}

// checkScored returns an error if the run is not scored.
func (r *result) checkScored() error {
	switch {
	case r.status.IsScored():
		return nil
	case r.status.Problem != "":
		return errors.New(r.status.Problem)
	default:
		return fmt.Errorf("run %s is not scored yet (%s); %s continues it", r.Run, r.status.State, r.command("resume"))
	}
}

// accept returns an error if the scored run cannot fulfil the order. Then it prepares the order's folder.
func (r *result) accept(o order, plan *run.Plan) error {
	if err := o.check(plan); err != nil {
		return err
	}
	if _, err := plan.Resolve(o.Requests[len(o.Requests)-1]); err != nil {
		return usageError{byFlags(err)}
	}
	if o.Out == "" {
		return nil
	}
	return r.prepare(o.Out)()
}

// prepare returns a function that prepares an output folder of the result by prepareOut.
func (r *result) prepare(dir string) func() error {
	return func() error {
		state, err := stateFolder(r.state)
		if err != nil {
			return err
		}
		var manifests []string
		if r.input != nil {
			manifests = r.input.Manifests
		}
		return prepareOut(dir, state, manifests)
	}
}
