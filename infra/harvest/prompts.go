package main

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/spf13/cobra"
)

// samplePrompts is one line of the output of the command prompts.
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
		Short: "Print the scorer's and the styler's prompts of every sample, one JSON line per sample",
		Args:  manifestArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := data.plan(cmd.Context(), args, state)
			if err != nil {
				return err
			}
			defer plan.clean(cmd.Context())
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetEscapeHTML(false)
			prompted, first := false, "" // the first problem
			for r := range plan.Ranges {
				err := run.EachRecord(cmd.Context(), plan.texts(), plan.Plan, r, func(sample *dataset.Sample) error {
					line := samplePrompts{ID: sample.ID}
					if sample.Problem != nil {
						line.Problem = sample.Problem.Reason()
						first = cmp.Or(first, fmt.Sprintf("%s: %s", sample.Place, line.Problem))
					} else {
						prompted = true
						line.Prompts = plan.Rubric.PromptsFor(sample.Texts())
					}
					return enc.Encode(line)
				})
				if err != nil {
					return err
				}
			}
			if !prompted {
				return fmt.Errorf("%s, such as %s", run.NoneOf(plan.Samples, "record", "be used"), first)
			}
			return nil
		},
	}
	data.add(cmd)
	stateFlag(cmd, &state)
	return cmd
}
