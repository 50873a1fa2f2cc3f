package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
)

// trainFiles has the names of the files of annotations, of weights and, if requested, of training data.
type trainFiles struct {
	annotations, weights, base string
	teacher                    string // id of the scorer that made the annotations; empty if it is not known
	accept                     bool   // train even if the result is no better than chance
}

// check returns an error for files that contradict each other. add and annotations are the values of the flags --add
// and --annotations.
func (f trainFiles) check(add, annotations string) error {
	switch {
	case f.weights == "":
		return usageError{errors.New("--out is missing; give the file to write the weights to")}
	case filepath.Ext(f.weights) == training.OriginExt:
		return usageError{fmt.Errorf("--out %s: the origin of the weights is written to a file with this extension; give "+
			"the weights another extension, such as .zst", f.weights)}
	case add != "" && annotations != "":
		return usageError{errors.New("--add and --annotations exclude each other: --add already includes the training " +
			"data of the embedded weights; give one of the two")}
	case add != "" && f.base != "":
		return usageError{errors.New("--base: it cannot be used with --add; remove --base")}
	}
	return nil
}

// lock waits until no other command writes to the folder of the weights, so that the weights and their origin belong
// together. It returns a function that ends the lock.
func (f trainFiles) lock(ctx context.Context, show *display) (unlock func(), err error) {
	return lockOut(ctx, filepath.Dir(f.weights), show.notes())
}

// originFile returns the file next to weights that records their origin.
func originFile(weights string) string {
	return strings.TrimSuffix(weights, filepath.Ext(weights)) + training.OriginExt
}

// keepInputs returns an error if the command would overwrite a file that this command reads, or if the .json file next
// to the weights exists and `harvest train` did not write it.
func (f trainFiles) keepInputs(in input) error {
	read := append([]string{f.annotations, in.Rubric}, in.Manifests...)
	origin := originFile(f.weights)
	for _, w := range []struct {
		flag, file string
		wrote      func([]byte) bool
	}{{"out", f.weights, isWeights}, {"base", f.base, isTrainingData}} {
		if err := keepFiles(w.flag, w.file, read...); err != nil {
			return err
		}
		if err := keepOthers(w.flag, w.file, w.wrote); err != nil {
			return err
		}
	}
	if err := keepFiles("out", origin); err != nil {
		return err
	}
	if base := realPath(f.base); f.base != "" && (base == realPath(f.weights) || base == realPath(origin)) {
		return usageError{fmt.Errorf("--base %s: --out writes the weights and their origin to %s and %s; give the training "+
			"data another file", f.base, f.weights, origin)}
	}
	if slices.ContainsFunc(read, func(file string) bool { return sameFile(origin, file) }) {
		return usageError{fmt.Errorf("--out %s: the command reads the file %s next to the weights, which would be replaced; "+
			"give the weights another name", f.weights, origin)}
	}
	data, err := os.ReadFile(origin)
	if err != nil {
		return nil
	}
	var earlier training.Origin
	if json.Unmarshal(data, &earlier) != nil || earlier.Weights.SHA256 == "" {
		return usageError{fmt.Errorf("--out %s: the file %s next to the weights would be replaced, and `harvest train` "+
			"did not write it; give the weights another name", f.weights, origin)}
	}
	return nil
}

// isWeights reports whether a file has weights of the embedded scorer.
func isWeights(file []byte) bool {
	_, err := embedded.DecodeWeights(file)
	return err == nil
}

// isTrainingData reports whether a file has training data that --base writes.
func isTrainingData(file []byte) bool {
	_, err := training.DecodeBase(file)
	return err == nil
}
