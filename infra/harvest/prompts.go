package main

import (
	"encoding/json"
	"os"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/spf13/cobra"
)

// samplePrompts is one line of the prompts command.
type samplePrompts struct {
	ID      string   `json:"id"`
	Prompts []string `json:"prompts,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

func newPrompts() *cobra.Command {
	var (
		data  datasetFlags
		state string
	)
	cmd := &cobra.Command{
		Use:   "prompts MANIFEST...",
		Short: "Print the scorer's and the styler's prompts of every sample, one JSON line each",
		Args:  manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			in, spec, err := data.input(args)
			if err != nil {
				return err
			}
			_, work, err := openState(state)
			if err != nil {
				return err
			}
			files, err := in.bucket(spec)
			if err != nil {
				return err
			}
			l, err := limits(ctx)
			if err != nil {
				return err
			}
			runs, err := planner(files, work, in.Scorers, personLog(os.Stderr))
			if err != nil {
				return err
			}
			plan, err := runs.NewPlan(ctx, spec, l)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetEscapeHTML(false)
			for r := range plan.Ranges {
				err := runs.EachRecord(ctx, plan, r, func(sample *dataset.Sample) error {
					line := samplePrompts{ID: sample.ID}
					if sample.Problem != nil {
						line.Problem = sample.Problem.Reason()
					} else {
						line.Prompts = plan.Rubric.PromptsFor(sample.Texts())
					}
					return enc.Encode(line)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	data.add(cmd)
	stateFlag(cmd, &state)
	return cmd
}
