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
			requests, err := sel.specs()
			if err != nil {
				return err
			}
			in, spec, err := data.input(args)
			if err != nil {
				return err
			}
			if dir == "" {
				dir = filepath.Join("out", in.Dataset)
			}
			show := newDisplay(out.quiet)
			result, err := curateDataset(cmd.Context(), in, spec, requests, state, dir, show)
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

// curateDataset gives a dataset to the system and waits for the requested selections, the smallest first.
func curateDataset(
	ctx context.Context, in input, spec run.Spec, requests []selection.Request, state, dir string, show *display,
) (*result, error) {
	start := time.Now()
	asked := requests[len(requests)-1]
	withSelection := spec
	withSelection.Request = asked
	files, err := in.bucket(withSelection)
	if err != nil {
		return nil, err
	}
	// The plan is made here first, so that a fault of the dataset is reported before anything is written. It is made
	// without the selection, because a fault of that is one of the command line.
	p, err := in.plan(ctx, spec, files, state, show)
	if err != nil {
		return nil, err
	}
	if err := p.affordable(); err != nil {
		return nil, err
	}
	if _, err := p.Resolve(asked); err != nil {
		return nil, usageError{err}
	}
	if err := p.showEstimate(ctx, show); err != nil {
		return nil, err
	}
	if err := makeOut(dir); err != nil {
		return nil, err
	}
	if err := in.save(p.state, p.Run); err != nil {
		return nil, err
	}
	res := &result{Run: p.Run, Seconds: map[string]float64{"plan": time.Since(start).Seconds()}}
	err = p.deploy(in.Scorers, show).session(ctx, mountFramework, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.Run); err != nil {
			return err
		}
		if err := res.score(ctx, s); err != nil {
			return err
		}
		return res.chooseAll(ctx, s, requests, p.work, dir)
	})
	if err != nil {
		return nil, err
	}
	res.Seconds["total"] = time.Since(start).Seconds()
	return res, nil
}
