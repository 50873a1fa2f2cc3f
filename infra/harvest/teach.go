package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/spf13/cobra"
)

// teacherFlags name who annotates a part of the dataset, from which the embedded scorer learns before it rates the
// whole: a scorer, or a file of annotations.
type teacherFlags struct {
	teacher, model string
	each           int // samples of each source
	least, most    int // in all
}

func (f *teacherFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.teacher, "teacher", "", "have a part of the dataset annotated first, and learn from it: "+
		"llm:URL of an OpenAI-compatible API (with --model), gpu:URL of a sidecar, or a file of annotations")
	cmd.Flags().IntVar(&f.each, "per-source", 10, "with --teacher: samples of each source that are annotated")
	cmd.Flags().IntVar(&f.least, "annotate-min", 100, "with --teacher: samples that are annotated at least, in all")
	cmd.Flags().IntVar(&f.most, "annotate-max", 2000, "with --teacher: samples that are annotated at most, in all")
}

// teach has the embedded scorer learn from the teacher, if there is one, and makes it the scorer of the dataset.
func (f *teacherFlags) teach(
	cmd *cobra.Command, data *datasetFlags, manifests []string, state string, out outputFlags,
) error {
	if err := f.check(cmd, *data); err != nil || f.teacher == "" {
		return err
	}
	weights, err := f.weights(cmd, *data, manifests, state, out)
	if err != nil {
		return fmt.Errorf("--teacher %s: %w", f.teacher, err)
	}
	data.scorer = scorerFlags{scorer: kinds.Embedded + ":" + weights}
	return nil
}

// check refuses flags that do not go together. data are those of the dataset.
func (f *teacherFlags) check(cmd *cobra.Command, data datasetFlags) error {
	if f.teacher == "" {
		for _, name := range []string{"per-source", "annotate-min", "annotate-max"} {
			if cmd.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s is for --teacher; name the teacher, too", name)}
			}
		}
		return nil
	}
	f.model = data.scorer.model
	switch {
	case cmd.Flags().Changed("scorer"):
		return usageError{errors.New("--teacher and --scorer exclude each other: a dataset with a teacher is rated by the " +
			"embedded scorer that has learned from it")}
	case f.each < 1:
		return usageError{fmt.Errorf("--per-source %d: give 1 or more", f.each)}
	case f.least < 0 || f.most < 1 || f.least > f.most:
		return usageError{fmt.Errorf("--annotate-min %d and --annotate-max %d: give a least number and a larger most one",
			f.least, f.most)}
	case f.isFile() && f.model != "":
		return usageError{fmt.Errorf("--model %s: is for --teacher llm:URL", f.model)}
	}
	return nil
}

// isFile reports whether the teacher is a file of annotations.
func (f *teacherFlags) isFile() bool {
	kind, _, named := strings.Cut(f.teacher, ":")
	return !named || kind != "llm" && kind != "gpu"
}

// weights has the embedded scorer learn from the teacher's annotations of the dataset in manifests, and returns the
// file of weights. It lies in the state folder, named by what it was learned from, and is not learned again.
func (f *teacherFlags) weights(
	cmd *cobra.Command, data datasetFlags, manifests []string, state string, out outputFlags,
) (string, error) {
	flags := annotationFlags{annotations: f.teacher, images: data.images, rubric: data.rubric, format: data.format}
	if !f.isFile() {
		file, err := f.annotate(cmd.Context(), data, manifests, state, out.quiet)
		if err != nil {
			return "", err
		}
		flags.annotations = file
	}
	set, err := flags.read(cmd, manifests)
	if err != nil {
		return "", err
	}
	file, err := set.taughtName(flags.annotations, state)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	show := newDisplay(out.quiet)
	report, err := set.trainOn(cmd.Context(), trainFiles{annotations: flags.annotations, weights: file}, show)
	show.close()
	if err != nil || out.json {
		return file, err
	}
	return file, report.print(cmd.OutOrStdout(), file)
}

// annotate has the teacher rate samples of each source, and returns the file of annotations, named by them.
func (f *teacherFlags) annotate(
	ctx context.Context, data datasetFlags, manifests []string, state string, quiet bool,
) (string, error) {
	in, err := newInput(ctx, manifests, data.images, state)
	if err != nil {
		return "", err
	}
	if in, err = in.withFormat(data.format); err != nil {
		return "", err
	}
	request := annotateRequest{
		each: f.each, least: f.least, samples: f.most, by: scorerFlags{f.teacher, f.model}, rubric: data.rubric,
	}
	res := &annotateReport{Failed: map[reason.Code]int64{}, Seconds: map[string]float64{}}
	annotations, err := res.annotate(ctx, in, request, state, quiet)
	if err != nil {
		return "", err
	}
	folder, err := taughtFolder(state)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, res.Run+".jsonl")
	return file, writeWhole(file, func(w io.Writer) error { return annotation.Write(w, annotations) })
}

// taughtFolder is where annotations of teachers and the weights that were learned from them lie.
func taughtFolder(state string) (string, error) {
	folder, _, err := openState(state)
	if err != nil {
		return "", err
	}
	folder = filepath.Join(folder, "teachers")
	return folder, os.MkdirAll(folder, 0o755)
}

// taughtName is the file of the weights that are learned from annotations of the set: a function of these, of the
// records that they are of, and of the weights that they are added to.
func (set *annotationSet) taughtName(annotations, state string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, embedded.DefaultHash(), set.rubric.Hash())
	for _, name := range append([]string{annotations}, set.Manifests...) {
		file, err := training.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, file.SHA256)
	}
	folder, err := taughtFolder(state)
	return filepath.Join(folder, set.Dataset+"-"+hex.EncodeToString(sum.Sum(nil)[:6])+".zst"), err
}
