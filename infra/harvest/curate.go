package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
)

func newCurate() *cobra.Command {
	var (
		sel        selectionFlags
		data       datasetFlags
		out        outputFlags
		state, dir string
	)
	cmd := &cobra.Command{
		Use:   "curate MANIFEST...",
		Short: "Score a dataset and select its best subset at a budget",
		Example: `  harvest curate --budget 30% testdata/demo/dataset.json
  harvest curate --budget 5000 --images /data/images --out picked a.json b.jsonl`,
		Args: manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked, err := sel.specs()
			if err != nil {
				return err
			}
			in, spec, err := data.input(args)
			if err != nil {
				return err
			}
			spec.Request = asked[len(asked)-1]
			if dir == "" {
				dir = filepath.Join("out", in.Dataset)
			}
			show := newDisplay(out.quiet)
			result, err := curateDataset(cmd.Context(), in, spec, asked, state, dir, show)
			show.close()
			if err != nil {
				return err
			}
			return result.print(cmd.OutOrStdout(), out.json)
		},
	}
	sel.add(cmd)
	data.add(cmd)
	out.add(cmd)
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&dir, "out", "", "folder for the subset and what explains it (default: out/<dataset>)")
	return cmd
}

// curateDataset drops a dataset into the system and waits for the selections asked for.
func curateDataset(ctx context.Context, in input, spec run.Spec, asked []selection.Request, state, dir string, show *display) (*result, error) {
	start := time.Now()
	files, err := in.bucket(spec)
	if err != nil {
		return nil, err
	}
	// Planned here first, so that a fault of the dataset is told before anything is written; without the
	// selection, because its faults are those of the command line.
	unselected := spec
	unselected.Request = selection.Request{}
	p, err := in.plan(ctx, unselected, files, state, show)
	if err != nil {
		return nil, err
	}
	if _, err := p.plan.Resolve(spec.Request); err != nil {
		return nil, usageError{err}
	}
	if err := p.tellEstimate(ctx, show); err != nil {
		return nil, err
	}
	if err := makeOut(dir); err != nil {
		return nil, err
	}
	if err := in.save(p.state, p.plan.Run); err != nil {
		return nil, err
	}
	res := &result{Run: p.plan.Run, Seconds: map[string]float64{"plan": time.Since(start).Seconds()}}
	err = withSession(ctx, files, p.work, in.Scorers, show, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.plan.Run); err != nil {
			return err
		}
		if err := res.score(ctx, s); err != nil {
			return err
		}
		return res.chooseAll(ctx, s, asked, p.work, dir)
	})
	if err != nil {
		return nil, err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, nil
}
