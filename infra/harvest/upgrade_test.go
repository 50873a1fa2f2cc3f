package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestUpgrade uses a state folder with a run of another reading version. The run is listed, no command uses it, and its
// dataset is scored again.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	args := []string{"--state", "state", "--budget", "2", "dataset.json"}
	first := curateJSON(t, dir, args...)
	old := first.Run[:len(first.Run)-12] + "0123456789ab"
	state := filepath.Join(dir, "state")
	for name, before := range map[string]string{
		filepath.Join(state, "runs", old): filepath.Join(state, "runs", first.Run),
		inputFile(state, old):             inputFile(state, first.Run),
	} {
		if err := os.Rename(before, name); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(state, "runs", old, "plan.json")
	plan, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	plan = bytes.ReplaceAll(plan, []byte(first.Run), []byte(old))
	plan = bytes.Replace(plan, []byte(`"reading": `), []byte(`"reading": -`), 1)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, string(plan))

	const reason = "an older reading of records"
	if status := readStatus(t, dir, old); status.State != run.StateRefused || !strings.Contains(status.Problem, reason) {
		t.Errorf("the old run is %s: %q", status.State, status.Problem)
	}
	if a := mustHarvest(t, dir, "status", "--state", "state"); !strings.Contains(a.stdout, old) {
		t.Errorf("the old run is not listed:\n%s", a.stdout)
	}
	for _, command := range [][]string{
		{"select", "--budget", "3", old}, {"explain", old, first.Selection, "1"}, {"resume", old}, {"retry", old},
	} {
		a := harvest(t, dir, nil, append(command, "--state", "state")...)
		if a.status == 0 || !strings.Contains(a.stderr, reason) {
			t.Errorf("%s: status %d: %q", command[0], a.status, a.stderr)
		}
	}
	again := curateJSON(t, dir, args...)
	if again.Run != first.Run || again.Selected != 2 {
		t.Errorf("curate selects %d of run %s, want 2 of a new run", again.Selected, again.Run)
	}
	if status := readStatus(t, dir, again.Run); status.State != run.StateScored || status.Samples.Scored != 8 {
		t.Errorf("the new run is %s: %+v", status.State, status.Samples)
	}
	mustHarvest(t, dir, "rm", "--state", "state", old)
	if left := runsOf(t, dir); len(left) != 1 || left[0] != again.Run {
		t.Errorf("runs %v after the old one was removed, want %s", left, again.Run)
	}
}
