package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/spf13/cobra"
)

func newTrain() *cobra.Command {
	var (
		flags annotatedFlags
		out   outputFlags
		file  string
	)
	cmd := &cobra.Command{
		Use:   "train --annotations FILE --out WEIGHTS MANIFEST...",
		Short: "Train the embedded scorer's weights on annotated samples, under any rubric",
		Long: `Learns from annotated samples what the embedded scorer needs to rate others: minutes on two cores, no GPU. Writes
the weights, and beside them, with the ending .json, where they come from and how well they did in cross-validation.
The same samples give the same weights, byte for byte. Use them as --scorer embedded:WEIGHTS.`,
		Example: `  harvest train --annotations annotations.jsonl --out birds.weights dataset.json
  harvest curate --scorer embedded:birds.weights --budget 30% dataset.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			if file == "" {
				return usageError{errors.New("--out is missing; give the file to write the weights to")}
			}
			if filepath.Ext(file) == originExt {
				return usageError{fmt.Errorf("--out %s: what is known of the weights goes to a file of that ending; give the weights another, such as .zst", file)}
			}
			data, err := flags.read(cmd, args)
			if err != nil {
				return err
			}
			show := newDisplay(out.quiet)
			result, err := data.train(cmd.Context(), show)
			show.close()
			if err != nil {
				return err
			}
			t, err := newTrained(data, flags.annotations, result)
			if err != nil {
				return err
			}
			if err := t.write(file, result.Weights); err != nil {
				return err
			}
			t.Seconds = time.Since(start).Seconds()
			if out.json {
				return printJSON(cmd.OutOrStdout(), t)
			}
			return t.print(cmd.OutOrStdout(), file)
		},
	}
	flags.add(cmd)
	out.add(cmd)
	cmd.Flags().StringVar(&file, "out", "", "file for the weights")
	return cmd
}

// absentTold is how many annotations without a sample an error names.
const absentTold = 5

func (data *annotated) train(ctx context.Context, show *display) (*training.Result, error) {
	samples, absent, err := data.find()
	if err != nil {
		return nil, err
	}
	if n := len(absent); n > 0 {
		return nil, fmt.Errorf("%d of %d annotations have no sample in the manifests: %s; name all manifests that were annotated, or leave these lines out",
			n, len(data.annotations), strings.Join(quoted(absent[:min(n, absentTold)]), ", "))
	}
	learn, err := data.observe(ctx, samples, show)
	if err != nil {
		return nil, err
	}
	return training.Train(ctx, learn, data.rubric, func(done, total int) { show.update("learn", int64(done), int64(total)) })
}

func quoted(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf("%q", id))
	}
	return out
}
