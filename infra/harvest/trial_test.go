package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
)

// TestTrial makes a trial on a part of a dataset. The trial has a separate run and folder, and prints the command for
// the whole dataset.
func TestTrial(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 40, 8)
	whole := curateJSON(t, dir, "--state", "state", "--out", "whole", "--budget", "30%", "dataset.json")
	if whole.Trial != nil {
		t.Errorf("the run of the whole dataset is a trial: %+v", whole.Trial)
	}
	a := mustHarvest(t, dir, "curate", "--state", "state", "--budget", "30%", "--limit", "10", "dataset.json")
	says(t, a.stdout, "a trial on 10 of 40 records, spread evenly over the dataset\nfor the whole dataset:\n"+
		"  harvest curate --state state --budget 30% dataset.json\n")
	tried := curateJSON(t, dir, "--state", "state", "--budget", "30%", "--limit=10", "dataset.json")
	want := &trial{10, 40, "harvest curate --json --state state --budget 30% dataset.json"}
	if diff := cmp.Diff(want, tried.Trial); diff != "" {
		t.Errorf("trial (-want +got):\n%s", diff)
	}
	if tried.Run == whole.Run || tried.Samples.Scored != 10 || tried.Selected != 3 {
		t.Errorf("run %s with %+v, %d selected", tried.Run, tried.Samples, tried.Selected)
	}
	trials, err := filepath.Glob(filepath.Join(dir, "out", "*-trial", "subset.json"))
	if err != nil || len(trials) != 1 {
		t.Fatalf("subsets of trials: %v %v", trials, err)
	}
	var subset []struct {
		ID json.RawMessage `json:"id"`
	}
	decode(t, readFile(t, trials[0]), &subset)
	if len(subset) != 3 {
		t.Errorf("the subset has %d records, want 3", len(subset))
	}
	says(t, mustHarvest(t, dir, "status", "--state", "state", tried.Run).stdout, "on 10 of 40 records")
	var named result
	decode(t, mustHarvest(t, dir, "select", "--json", "--state", "state", "--budget", "50%", "--out", "half",
		run.DatasetOf(whole.Run)).stdout, &named)
	if named.Run != whole.Run {
		t.Errorf("the name of the dataset gives run %s, want the run of the whole dataset, %s", named.Run, whole.Run)
	}
	says(t, mustHarvest(t, dir, "plan", "--state", "state", "--limit", "7", "dataset.json").stdout, "on 7 of 40 records")
	a = harvest(t, dir, nil, "curate", "--state", "state", "--budget", "1", "--limit", "-1", "dataset.json")
	if a.status != 2 {
		t.Errorf("--limit -1: status %d", a.status)
	}
	a = harvest(t, dir, nil, "curate", "--state", "state", "--budget", "1", "--limit", "0", "dataset.json")
	if a.status != 2 || !strings.Contains(a.stderr, "1 or more") {
		t.Errorf("--limit 0: status %d, %s", a.status, a.stderr)
	}
	all := curateJSON(t, dir, "--state", "state", "--out", "all", "--budget", "30%", "--limit", "99", "dataset.json")
	if all.Trial != nil || all.Selected != whole.Selected {
		t.Errorf("a limit above the dataset: %+v", all)
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "whole")); !os.IsNotExist(err) {
		t.Errorf("there is a folder without a selection: %v", err)
	}
}

// TestResultFits curates a part of a dataset of which most images are missing. The printed result fits a terminal of 80
// columns.
func TestResultFits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	for source := range 3 {
		if err := os.RemoveAll(filepath.Join(dir, fmt.Sprintf("source%d", source))); err != nil {
			t.Fatal(err)
		}
	}
	a := mustHarvest(t, dir, "curate", "--state", "state", "--budget", "2", "--limit", "16", "--max-failed", "100%",
		"--out", "out/a-folder-with-a-long-name", "dataset.json")
	says(t, a.stdout, "a trial on 16 of 20 records", "failed, and have no")
	for line := range strings.Lines(a.stdout) {
		if utf8.RuneCountInString(strings.TrimSpace(line)) > terminalWidth {
			t.Errorf("more than 80 columns: %s", line)
		}
	}
}
