package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/subset"
)

// TestShow prints a sample of a run, and selects from the scores that are next to a subset.
func TestShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	first := curateJSON(t, dir, "--state", "state", "--budget", "2", "dataset.json")
	if want := filepath.Join(filepath.Dir(first.Outputs.Subset), scoresPattern); first.Outputs.Scores != want {
		t.Errorf("scores are in %q, want %q", first.Outputs.Scores, want)
	}
	var picked []subset.Explanation
	explained := mustHarvest(t, dir, "explain", "--state", "state", "--json", first.Run, "latest", "sample-0001")
	decode(t, explained.stdout, &picked)
	if len(picked) != 1 || len(picked[0].Rated) == 0 {
		t.Fatalf("explained as %+v", picked)
	}
	printed := mustHarvest(t, dir, "show", "--state", "state", first.Run, picked[0].ID).stdout
	for _, words := range []string{"ok, index ", "dataset.json: element ", "source: ", "ratings: ", "record: {"} {
		if !strings.Contains(printed, words) {
			t.Errorf("%q is not printed: %s", words, printed)
		}
	}
	var shown []subset.Shown
	decode(t, mustHarvest(t, dir, "show", "--state", "state", "--json", first.Run, picked[0].ID).stdout, &shown)
	if len(shown) != 1 || shown[0].Index != picked[0].Index || len(shown[0].Record) == 0 {
		t.Errorf("shown as %+v", shown)
	}
	for _, args := range [][]string{{"show"}, {"show", "--state", "state", first.Run}, {
		"show", "--state", "state", first.Run, "nobody",
	}} {
		if a := harvest(t, dir, nil, args...); a.status != 2 {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
	var res fileResult
	decode(t, mustHarvest(t, dir, "select", "--scores", first.Outputs.Scores, "--out", "picks.parquet", "--budget", "3",
		"--json").stdout, &res)
	if res.Selected != 3 {
		t.Errorf("%d selected from the copied scores, want 3", res.Selected)
	}
}
