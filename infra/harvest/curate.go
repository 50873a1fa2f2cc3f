package main

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

func newCurate() *cobra.Command {
	var (
		sel          selectionFlags
		data         datasetFlags
		out          outputFlags
		state, dir   string
		reported     reportFlags
		maxFailed    run.Allowance
		noImageCheck bool
		teacher      teacherFlags
	)
	cmd := &cobra.Command{
		Use:   "curate MANIFEST...",
		Short: "Score a dataset and select its best subset at a budget",
		Example: `  harvest curate --budget 30% testdata/demo/dataset.json
  harvest curate --budget 5000 --images /data/images --out picked a.json b.jsonl
  harvest curate --teacher llm:https://api.openai.com/v1 --model gpt-4o --budget 30% dataset.json`,
		Args: manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := sel.requests(cmd.Context(), state)
			if err != nil {
				return err
			}
			taught, err := teacher.teach(cmd, &data, args, state, out)
			if err != nil {
				return err
			}
			in, spec, err := data.input(cmd.Context(), args, state)
			if err != nil {
				return err
			}
			o, err := newOrder(requests, cmp.Or(dir, in.defaultOut()), reported, maxFailed).with(sel, out)
			if err != nil {
				return err
			}
			spec.MaxFailed = maxFailed // if it is zero, the planner takes the limit of the environment
			show := newDisplay(out.quiet)
			result, err := curateDataset(cmd.Context(), in, spec, o, state, !noImageCheck, show)
			show.close()
			return result.taughtBy(taught).report(cmd, out.json, err)
		},
	}
	sel.add(cmd)
	data.add(cmd)
	teacher.add(cmd)
	data.addLimit(cmd)
	out.add(cmd)
	out.addFormat(cmd)
	reported.add(cmd)
	stateFlag(cmd, &state)
	maxFailedFlag(cmd, &maxFailed, "$MAX_FAILED, else 5%")
	cmd.Flags().BoolVar(&noImageCheck, "no-image-check", false,
		"if the dataset is already scored, do not check whether images are new or changed")
	cmd.Flags().StringVar(&dir, "out", "",
		"folder for the subset and its explanations (default: out/<dataset>, with --limit out/<dataset>-trial)")
	return cmd
}

// defaultOut returns the folder of the subset if --out is not given. A trial has another folder, so that it does not
// replace the subset of the whole dataset.
func (in input) defaultOut() string {
	if in.Limit > 0 {
		return filepath.Join("out", in.Dataset+"-trial")
	}
	return filepath.Join("out", in.Dataset)
}

// curateDataset gives a dataset to the system and waits for the selections of an order. If the error is a *failure, it
// also returns the result.
func curateDataset(
	ctx context.Context, in input, spec run.Spec, o order, state string, checkImages bool, show *display,
) (*result, error) {
	start := time.Now()
	l, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	o.MaxFailed = o.MaxFailed.Or(l.MaxFailed)
	if in.Order, err = o.absolute(); err != nil {
		return nil, err
	}
	files, err := in.bucket(spec)
	if err != nil {
		return nil, err
	}
	// Plan here first, so that an error in the dataset is reported before anything is written.
	p, err := in.plan(ctx, spec, files, state, show)
	if err != nil {
		return nil, err
	}
	defer p.clean(ctx)
	if err := p.accept(ctx, o, checkImages || !p.again, show); err != nil {
		return nil, err
	}
	if err := p.checkFormat(ctx, o.Format, o.excluded(), show); err != nil {
		return nil, err
	}
	removeNew := newFolder(o.Out)
	if err := prepareOut(o.Out, p.state, in.Manifests); err != nil {
		return nil, err
	}
	if err := in.save(p.state, p.Run); err != nil {
		return nil, err
	}
	res := &result{
		Run: p.Run, Seconds: map[string]float64{"plan": time.Since(start).Seconds()}, state: state, input: &in,
	}
	d := p.deploy(in.Scorers, show)
	d.order = o
	err = d.session(ctx, mountFramework, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.Run); err != nil {
			return err
		}
		if err := res.score(ctx, s); err != nil {
			return err
		}
		if checkImages && p.again {
			if err := res.rateChanged(ctx, s, p, in); err != nil {
				return err
			}
		}
		return o.typedNear(res.fulfil(ctx, s, o))
	})
	if err != nil {
		removeNew()
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, err
}

// accept returns an error if an order cannot be carried out, and shows the estimate of a paid scorer. It runs before
// anything is scored.
func (p *localPlan) accept(ctx context.Context, o order, checkImages bool, show *display) error {
	if err := o.check(p.Plan); err != nil {
		return err
	}
	if err := p.affordable(); err != nil {
		return err
	}
	if _, err := p.Resolve(o.Requests[len(o.Requests)-1]); err != nil {
		return p.unselectable(ctx, byFlags(err))
	}
	if checkImages {
		if err := p.checkImages(ctx, o.MaxFailed, show); err != nil {
			return err
		}
	}
	return p.showEstimate(ctx, show.notes())
}
