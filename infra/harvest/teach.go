package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/spf13/cobra"
)

// teacherFlags are the flags for a teacher: a scorer, or a file of annotations. The embedded scorer learns from the
// teacher's annotations of a part of the dataset. Then it rates the whole dataset.
type teacherFlags struct {
	teacher, model, mode string
	each                 int  // number of samples of each source
	least, most          int  // number of samples of all sources together
	accept               bool // continue even if the check of the teacher, or of the learned weights, fails
}

func (f *teacherFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.teacher, "teacher", "", "first annotate a part of the dataset with this teacher, and "+
		"learn from the annotations; a teacher is "+
		"llm:URL of an OpenAI-compatible API (with --model), gpu:URL of a sidecar, or a file of annotations")
	cmd.Flags().IntVar(&f.each, "per-source", run.PerSource,
		"with --teacher: number of samples to annotate of each source")
	cmd.Flags().IntVar(&f.least, "annotate-min", run.AnnotateMin,
		"with --teacher: minimum number of samples to annotate, of all sources")
	cmd.Flags().IntVar(&f.most, "annotate-max", run.AnnotateMax,
		"with --teacher: maximum number of samples to annotate, of all sources")
	cmd.Flags().BoolVar(&f.accept, "accept-teacher", false,
		"with --teacher: continue even if its ratings depend on the order of the questions, or if the weights learned "+
			"from them are no better than chance")
}

// teach trains the embedded scorer on the teacher's annotations, and makes it the scorer of the dataset. The lesson is
// nil if there is no teacher.
func (f *teacherFlags) teach(
	cmd *cobra.Command, data *datasetFlags, manifests []string, state string, out outputFlags,
) (*lesson, error) {
	if err := f.check(cmd, *data); err != nil || f.teacher == "" {
		return nil, err
	}
	l, err := f.lesson(cmd.Context(), *data, manifests, state, out.quiet)
	if err != nil {
		return nil, fmt.Errorf("--teacher %s: %w", f.teacher, err)
	}
	if !out.json {
		if err := l.Learned.print(cmd.OutOrStdout(), l.file); err != nil {
			return nil, err
		}
	}
	data.scorer = scorerFlags{scorer: kinds.Embedded + ":" + l.file}
	return l, nil
}

// lesson trains the embedded scorer on the teacher's annotations of the dataset in manifests.
func (f *teacherFlags) lesson(
	ctx context.Context, data datasetFlags, manifests []string, state string, quiet bool,
) (*lesson, error) {
	in, err := newInput(ctx, manifests, data.images, state)
	if err == nil {
		in, err = in.withRubric(data.rubric)
	}
	if err == nil {
		in, err = in.withFormat(data.format)
	}
	if err != nil {
		return nil, err
	}
	if f.isFile() {
		return in.learn(ctx, trainFiles{annotations: f.teacher, accept: f.accept}, state, quiet)
	}
	return in.teach(ctx, annotateRequest{
		each: f.each, least: f.least, samples: f.most, by: scorerFlags{f.teacher, f.model, f.mode}, twice: askedTwice,
		accept: f.accept,
	}, state, quiet)
}

// check returns an error for flags that contradict each other. data are the flags of the dataset.
func (f *teacherFlags) check(cmd *cobra.Command, data datasetFlags) error {
	if f.teacher == "" {
		for _, name := range []string{"per-source", "annotate-min", "annotate-max", "accept-teacher"} {
			if cmd.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s is for --teacher; add --teacher, or remove --%s", name, name)}
			}
		}
		return nil
	}
	f.model, f.mode = data.scorer.model, data.scorer.mode
	switch {
	case cmd.Flags().Changed("scorer"):
		return usageError{errors.New("--teacher and --scorer exclude each other, because the embedded scorer learns from " +
			"the teacher and rates the dataset; remove one of the two")}
	case f.each < 1:
		return usageError{fmt.Errorf("--per-source %d: give 1 or more", f.each)}
	case f.least < 0:
		return usageError{fmt.Errorf("--annotate-min %d: give 0 or more", f.least)}
	case f.most < 1:
		return usageError{fmt.Errorf("--annotate-max %d: give 1 or more", f.most)}
	case f.least > f.most:
		return usageError{fmt.Errorf("--annotate-min %d and --annotate-max %d: give a larger --annotate-max",
			f.least, f.most)}
	case f.isFile() && f.model != "":
		return usageError{fmt.Errorf("--model %s: it is for --teacher llm:URL", f.model)}
	case f.isFile() && f.mode != "":
		return usageError{fmt.Errorf("--llm-mode %s: it is for --teacher llm:URL", f.mode)}
	}
	return nil
}

// isFile reports whether the teacher is a file of annotations.
func (f *teacherFlags) isFile() bool {
	kind, _, named := strings.Cut(f.teacher, ":")
	return !named || kind != kinds.LLM && kind != kinds.GPU
}
