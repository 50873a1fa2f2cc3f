package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
)

// trainFiles are the files of the annotations, of the weights and, if requested, of the training data of the weights.
type trainFiles struct {
	annotations, weights, base string
	teacher                    string // id of the annotating scorer; empty if it is not known
	accept                     bool   // learns even if the result is no better than chance
}

// check refuses files that contradict each other. add and annotations are the values of these flags.
func (f trainFiles) check(add, annotations string) error {
	switch {
	case f.weights == "":
		return usageError{errors.New("--out is missing; give the file to write the weights to")}
	case filepath.Ext(f.weights) == training.OriginExt:
		return usageError{fmt.Errorf("--out %s: the description of the weights is written to a file with this ending; "+
			"give the weights another, such as .zst", f.weights)}
	case add != "" && annotations != "":
		return usageError{errors.New("--add and --annotations exclude each other: --add learns from what the embedded " +
			"weights were learned from, too")}
	case add != "" && f.base != "":
		return usageError{errors.New("--base is for --annotations")}
	}
	return nil
}

// originFile is the file next to weights that records their origin.
func originFile(weights string) string {
	return strings.TrimSuffix(weights, filepath.Ext(weights)) + training.OriginExt
}

// keepInputs refuses to overwrite a file that this command reads, or a file next to the weights that no training wrote.
func (f trainFiles) keepInputs(in input) error {
	origin := originFile(f.weights)
	for _, written := range []string{f.weights, origin, f.base} {
		if err := keepFiles(written, append([]string{f.annotations, in.Rubric}, in.Manifests...)...); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(origin)
	if err != nil {
		return nil
	}
	var earlier training.Origin
	if json.Unmarshal(data, &earlier) != nil || earlier.Weights.SHA256 == "" {
		return usageError{fmt.Errorf("--out %s: %s, which says where weights come from, would be replaced, and is "+
			"not from a training; give the weights another name", f.weights, origin)}
	}
	return nil
}
