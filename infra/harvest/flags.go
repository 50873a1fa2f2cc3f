package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/spf13/cobra"
)

// atMost returns a check that refuses more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%q is one argument too many; see `%s --help`", args[n], cmd.CommandPath())}
		}
		return nil
	}
}

// manifestArgs requires at least one manifest.
func manifestArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("name at least one manifest, a JSON or JSONL file, "+
			"a folder of them, or - for the standard input; see `%s --help`", cmd.CommandPath())}
	}
	return nil
}

// runArg requires exactly one run.
func runArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("name one run; `harvest status` lists them, `%s --help` says more", cmd.CommandPath())}
	}
	return nil
}

// outputFlags are the flags for the output of a command.
type outputFlags struct {
	quiet  bool
	json   bool
	format string
}

// addFormat adds --output-format.
func (f *outputFlags) addFormat(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.format, "output-format", "", "write the subset's records as "+
		strings.Join(forms.Outputs(), ", ")+" (default: unchanged, in the manifests' form)")
}

// outputFormat returns the form of --output-format; empty without the flag. An unknown form is a usageError.
func (f *outputFlags) outputFormat() (string, error) {
	if f.format != "" {
		if _, err := (forms.Reading{}).Converter(f.format); err != nil {
			return "", usageError{fmt.Errorf("--output-format: %w", err)}
		}
	}
	return f.format, nil
}

func (f *outputFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "show no progress; warnings and errors are shown")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object at the end instead of tables")
}

// datasetFlags are the flags that describe a dataset.
type datasetFlags struct {
	images string
	rubric string
	format string
	limit  int64
	scorer scorerFlags
}

// addLimit adds --limit, for commands that can make a trial on a part of a dataset.
func (f *datasetFlags) addLimit(cmd *cobra.Command) {
	cmd.Flags().Func("limit", "score only this many records, in a separate trial run: the records are spread evenly "+
		"over the dataset, and are the same each time", func(text string) (err error) {
		if f.limit, err = strconv.ParseInt(text, 10, 64); err != nil || f.limit < 1 {
			return errors.New("give the number of records to try, 1 or more")
		}
		return nil
	})
}

func (f *datasetFlags) add(cmd *cobra.Command) {
	imagesFlag(cmd, &f.images)
	rubricFlag(cmd, &f.rubric)
	formatFlag(cmd, &f.format)
	f.scorer.add(cmd, "embedded")
}

func imagesFlag(cmd *cobra.Command, images *string) {
	cmd.Flags().StringVar(images, "images", "",
		"folder that image names are relative to (default: the manifest's folder; for - and gs:// the current folder)")
}

func formatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVar(format, "format", "",
		"read all records in this form, such as \"ms-swift\" (default: each record shows its own form)")
}

func rubricFlag(cmd *cobra.Command, rubric *string) {
	cmd.Flags().StringVar(rubric, "rubric", "", "file of capabilities, styles and prompts (default: the paper's)")
}

// scorerFlags are the flags that choose the scorer.
type scorerFlags struct{ scorer, model, mode string }

func (f *scorerFlags) add(cmd *cobra.Command, byDefault string) {
	cmd.Flags().StringVar(&f.scorer, "scorer", byDefault, "scorer of the samples: embedded, embedded:FILE (weights from "+
		"harvest train), gpu:URL,URL,... (sidecars), gpu:scorer=URL,styler=URL (two sidecars), or llm:URL (an "+
		"OpenAI-compatible API)")
	cmd.Flags().StringVar(&f.model, "model", "",
		"with --scorer llm: the model that rates (its key is read from LLM_API_KEY, its price from LLM_PRICES)")
	modeFlag(cmd, &f.mode)
}

func modeFlag(cmd *cobra.Command, mode *string) {
	cmd.Flags().StringVar(mode, "llm-mode", "", "with --scorer llm: json (one request per sample), or logprobs (one "+
		"token per capability, with its probabilities) (default: LLM_MODE, or json)")
}

// choose reads the flags. If a flag is not set, it uses the value of the parameter at, else of the environment.
func (f scorerFlags) choose(at kinds.Config) (kind string, scorers kinds.Config, err error) {
	if scorers, err = scorersByEnvironment(); err != nil {
		return "", kinds.Config{}, err
	}
	if err := scorer.CheckMode(f.mode); err != nil {
		return "", kinds.Config{}, usageError{fmt.Errorf("--llm-mode: %w", err)}
	}
	at.LLM.Model, at.LLM.Mode = cmp.Or(f.model, at.LLM.Model), cmp.Or(f.mode, at.LLM.Mode)
	if kind, scorers, err = scorers.At(at).Choose(f.scorer); err != nil {
		return "", kinds.Config{}, usageError{fmt.Errorf("--scorer %q: %w", f.scorer, err)}
	}
	for _, flag := range []struct{ name, value string }{{"model", f.model}, {"llm-mode", f.mode}} {
		if flag.value != "" && kind != kinds.LLM {
			return "", kinds.Config{}, usageError{
				fmt.Errorf("--%s %s: it is for --scorer llm:URL, and not for %s", flag.name, flag.value, f.scorer),
			}
		}
	}
	return kind, scorers, nil
}

// input finds the dataset, and returns its files and its description.
func (f datasetFlags) input(ctx context.Context, manifests []string, state string) (input, run.Spec, error) {
	in, err := newInput(ctx, manifests, f.images, state)
	if err == nil {
		in, err = in.withRubric(f.rubric)
	}
	if err == nil {
		in, err = in.withFormat(f.format)
	}
	if err != nil {
		return input{}, run.Spec{}, err
	}
	in.Limit = f.limit
	spec := in.spec()
	if spec.Scorer, in.Scorers, err = f.scorer.choose(kinds.Config{}); err != nil {
		return input{}, run.Spec{}, err
	}
	if err := spec.Validate(); err != nil {
		return input{}, run.Spec{}, usageError{err}
	}
	return in, spec, in.noteRepeats(messagesTo(os.Stderr))
}

// stateFlag adds --state: the folder that is the work bucket.
func stateFlag(cmd *cobra.Command, state *string) {
	cmd.Flags().StringVar(state, "state", "",
		"folder that keeps runs and their results (default: harvest in the user's cache directory)")
}
