package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestSweep compares strategies and thresholds. select --sweep prints tables, and writes no files.
func TestSweep(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 24, 8)
	first := curateJSON(t, dir, "--state", "state", "--budget", "2", "dataset.json")
	before := filesIn(t, dir)
	printed := mustHarvest(t, dir, "select", "--state", "state", "--budget", "8", "--sweep", first.Run).stdout
	for _, words := range []string{
		"threshold 3", "descending", "kept of ratings", "the scorer's size", "share a letter",
	} {
		if !strings.Contains(strings.Join(strings.Fields(printed), " "), words) {
			t.Errorf("%q is not printed: %s", words, printed)
		}
	}
	for line := range strings.Lines(printed) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("a line of more than 80 columns: %q", line)
		}
	}
	var sweep subset.Sweep
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "8", "--sweep", "--rating-error", "0.5",
		"--json", first.Run).stdout, &sweep)
	if len(sweep.Rows) != 9 || sweep.RatingErrors[""] != 0.5 || len(sweep.Rows[0].Perturbed) == 0 {
		t.Errorf("sweep %+v", sweep)
	}
	if after := filesIn(t, dir); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("files before: %q, after: %q", before, after)
	}
	for _, args := range [][]string{
		{"--budget", "2,4"}, {"--budget", "4", "--rating-error", "9"}, {"--budget", "400"},
		{"--budget", "4", "--keep-sources", "nowhere"}, {"--budget", "4", "--out", "o"},
		{"--budget", "4", "--strategy", "random"}, {"--budget", "4", "--report-pictures", "none"},
	} {
		a := harvest(t, dir, nil, append([]string{"select", "--state", "state", "--sweep", first.Run}, args...)...)
		if a.status != 2 || !strings.Contains(a.stderr, "--") {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}
