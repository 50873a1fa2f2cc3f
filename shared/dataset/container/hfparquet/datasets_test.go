package hfparquet

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// datasetsPython is the variable with a Python that has Hugging Face's datasets library; `.ci/run consumers` sets it.
const datasetsPython = "HARVEST_DATASETS_PYTHON"

// TestDatasets compares subsets with their sources, with pyarrow and datasets: schema with metadata, features, rows and
// pictures. It also reads them as streams.
func TestDatasets(t *testing.T) {
	t.Parallel()
	python := os.Getenv(datasetsPython)
	if python == "" {
		t.Skip("not tested: " + datasetsPython + " names no Python with the datasets library; `.ci/run consumers` makes one")
	}
	folder := t.TempDir()
	var cases [][]any
	for _, name := range fixtures(t) {
		if name == "empty" {
			continue
		}
		subset, rows := filepath.Join(folder, name+".parquet"), []int{}
		chosen := func(element int64) bool { return element%3 != 2 }
		for i := range notesOf(t, name) {
			if chosen(int64(i) + 1) {
				rows = append(rows, i)
			}
		}
		if err := os.WriteFile(subset, subsetOf(t, fixture(t, name), 2000, chosen), 0o600); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, []any{filepath.Join("testdata", name+".parquet"), subset, rows})
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "testdata/check.py")
	command.Env = append(os.Environ(), "HF_HOME="+t.TempDir(), "HF_HUB_OFFLINE=1")
	command.Stdin = bytes.NewReader(input)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
