package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// A lesson is the result of learning from a teacher. The state folder keeps it under a hash of its input, so that it is
// not learned again.
type lesson struct {
	// Annotated is the report on the teacher's annotations; nil if they come from a file.
	Annotated *annotateReport `json:"annotated,omitempty"`
	Learned   *trainReport    `json:"learned"`

	file string // file of weights
}

// teach rates samples of each source with a scorer, and trains the embedded scorer on these ratings.
func (in input) teach(ctx context.Context, request annotateRequest, state string, quiet bool) (*lesson, error) {
	report := &annotateReport{Failed: map[reason.Code]int64{}, Seconds: map[string]float64{}}
	annotations, err := report.annotate(ctx, in, request, state, quiet)
	if err != nil {
		return nil, err
	}
	folder, err := taughtFolder(state)
	if err != nil {
		return nil, err
	}
	report.Out = filepath.Join(folder, report.Run+".jsonl")
	err = writeWhole(report.Out, func(w io.Writer) error { return annotation.Write(w, annotations) })
	if err != nil {
		return nil, err
	}
	files := trainFiles{annotations: report.Out, teacher: report.Scorer, accept: request.accept}
	l, err := in.learn(ctx, files, state, quiet)
	if err == nil {
		l.Annotated = report
	}
	return l, err
}

// learn trains the embedded scorer on a file of annotations of the dataset. The lesson names the file of weights.
func (in input) learn(ctx context.Context, files trainFiles, state string, quiet bool) (*lesson, error) {
	set, err := in.annotatedBy(ctx, files.annotations)
	if err != nil {
		return nil, err
	}
	if files.weights, err = set.taughtName(files, state); err != nil {
		return nil, err
	}
	l := &lesson{file: files.weights}
	if l.Learned, err = set.learned(files.weights); l.Learned != nil || err != nil {
		return l, err
	}
	show := newDisplay(quiet)
	defer show.close()
	l.Learned, err = set.trainOn(ctx, files, show)
	return l, err
}

// learned returns the report next to a file of weights; nil if the weights were not learned yet.
func (set *annotationSet) learned(weights string) (*trainReport, error) {
	if _, err := os.Stat(weights); err != nil {
		return nil, nil
	}
	data, err := os.ReadFile(originFile(weights))
	if err != nil {
		return nil, nil
	}
	report := &trainReport{capabilities: set.rubric.Capabilities, styles: set.rubric.Styles}
	if err := json.Unmarshal(data, report); err != nil {
		return nil, fmt.Errorf("reading %s: %w; remove this file, and Harvest trains the weights "+
			"again", originFile(weights), err)
	}
	return report, nil
}

// taughtFolder creates the folder of the teachers' annotations and of the learned weights. It returns the folder's
// path.
func taughtFolder(state string) (string, error) {
	folder, _, err := openState(state)
	if err != nil {
		return "", err
	}
	folder = filepath.Join(folder, "teachers")
	return folder, os.MkdirAll(folder, 0o755)
}

// taughtName returns the file name of the weights that are learned from the set. It depends on the annotations, their
// records, the teacher, and the weights that the annotations are added to.
func (set *annotationSet) taughtName(files trainFiles, state string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, embedded.DefaultHash(), set.rubric.Hash(), files.teacher)
	for _, name := range append([]string{files.annotations}, set.Manifests...) {
		file, err := training.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, file.SHA256)
	}
	folder, err := taughtFolder(state)
	return filepath.Join(folder, set.Dataset+"-"+hex.EncodeToString(sum.Sum(nil)[:6])+".zst"), err
}
