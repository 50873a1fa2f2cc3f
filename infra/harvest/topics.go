package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/spf13/cobra"
)

// newTopics returns the pages of `harvest help` that do not belong to a command. The pages of the repository have the
// same texts in longer lines, generated from the same code.
func newTopics() []*cobra.Command {
	topic := func(name, short string, text func() string) *cobra.Command {
		cmd := &cobra.Command{Use: name, Short: short}
		cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), text()) })
		return cmd
	}
	return []*cobra.Command{
		topic("forms", "Examples of a record in each supported form", func() string {
			return forms.Help(terminalWidth)
		}),
		topic("parameters", "Parameters of a selection, as flags and in JSON", parameterTopic),
		topic("budgets", "The size of a subset: shares, samples, tokens, several budgets", budgetTopic),
	}
}

// budgetTopic explains budgets.
func budgetTopic() string {
	return "A budget is the size of a subset:\n\n" +
		"- a share: `30%` or `0.3`; `1.0` is everything. A share of n samples is the\n" +
		"  whole part of n times the share, where n counts every record of the dataset,\n" +
		"  including failed records.\n" +
		"- a number of samples: `500`, without separators.\n" +
		"- a number of tokens: `200M-tokens`. A sample costs the tokens of its texts,\n" +
		"  counted by Qwen2's tokenizer, and 730 tokens for each image (or the number\n" +
		"  of `--visual-tokens`).\n" +
		"- several budgets of one form, ascending: `5%,10%,30%`. They make nested\n" +
		"  subsets: each subset contains the subset before it.\n"
}
