package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestServeInvalidNumbers uploads a dataset.yaml with an invalid file of numbers: the run is scored, and the selection
// fails. The log does not say that only the budget or a refusal can be the reason. The corrected file and another
// upload of the dataset.yaml give the subset.
func TestServeInvalidNumbers(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	datasets, images := filepath.Join(dir, "input", "datasets", "small"), filepath.Join(dir, "input", "images", "small")
	newDataset(t, images, 20, 16)
	manifest := readFile(t, filepath.Join(images, "dataset.json"))
	var samples []struct{ ID string }
	decode(t, manifest, &samples)
	var numbers strings.Builder
	for _, s := range samples {
		numbers.WriteString(`{"id": "` + s.ID + `", "good": 1}` + "\n")
	}
	writeFile(t, filepath.Join(datasets, "parts", "a.json"), manifest)
	writeFile(t, filepath.Join(datasets, "parts", "numbers.jsonl"), "oh\n")
	spec := filepath.Join(datasets, "dataset.yaml")
	const content = "manifests: [parts/a.json]\nbudget: 4\nstrategy: top\nby: good\nscores_from: parts/numbers.jsonl\n"
	writeFile(t, spec, content)
	const reason = `automatic selection: scores_from: datasets/small/parts/numbers.jsonl: the file has no column`
	first := servingWith(t, dir, nil, "--out", "out")
	until(t, "the reason", func() bool { return strings.Contains(first.log.String(), reason) })
	first.stop(t)
	s := servingWith(t, dir, nil, "--out", "out") // it looks for subsets when it starts
	logged := func(what string) func() bool {
		return func() bool { return strings.Contains(s.log.String(), what) }
	}
	until(t, "the warning", logged("no subset is written yet"))
	if !logged("its selection was refused or failed")() {
		t.Errorf("the warning leaves out the failed selection:\n%s", s.log.String())
	}
	writeFile(t, filepath.Join(datasets, "parts", "numbers.jsonl"), numbers.String())
	until(t, "the advice", logged("upload the dataset.yaml again to start a run"))
	writeFile(t, spec, content)
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 4 })
	if runs := s.runs(t); len(runs) != 1 {
		t.Errorf("runs %+v, want one", runs)
	}
	s.stop(t)
}
