package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/spf13/cobra"
)

// newTopics are the pages of `harvest help` that do not belong to a command. The pages of the repository have the same
// texts, from the same source, in longer lines.
func newTopics() []*cobra.Command {
	topic := func(name, short string, text func() string) *cobra.Command {
		cmd := &cobra.Command{Use: name, Short: short}
		cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), text()) })
		return cmd
	}
	return []*cobra.Command{
		topic("forms", "What a record looks like in each form that is read", func() string {
			return forms.Help(terminalWidth)
		}),
		topic("parameters", "Parameters of a selection, as flags and in JSON", parameterTopic),
		topic("budgets", "How much to select: shares, samples, tokens, several at a time", budgetTopic),
	}
}

// budgetTopic says what a budget may be.
func budgetTopic() string {
	return "A budget says how much to select:\n\n" +
		"- a share: `30%` or `0.3`; `1.0` is everything. A share of n samples is the\n" +
		"  whole part of n times the share, where n counts every record of the dataset,\n" +
		"  failed ones too.\n" +
		"- a number of samples: `500`, without separators.\n" +
		"- a number of tokens: `200M-tokens`. A sample takes those of its texts by\n" +
		"  Qwen2's tokenizer, and 730 for each image, or what `--visual-tokens` says.\n" +
		"- several of one form, ascending: `5%,10%,30%`. They make nested subsets: each\n" +
		"  contains the one before it.\n"
}
