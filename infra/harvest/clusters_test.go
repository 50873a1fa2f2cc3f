package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClusters finds the near duplicates of a run, and those of a sample.
func TestClusters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := func(id, question string) string {
		return `{"id": "` + id + `", "conversations": [{"from": "human", "value": "` + question +
			`"}, {"from": "gpt", "value": "It is so."}]}`
	}
	records := []string{
		record("a", "Why is the sky blue?"), record("b", "Why is grass green?"), record("a", "Why is the sky blue?"),
		record("c", "Why is the SKY blue?"),
	}
	if err := os.WriteFile(filepath.Join(dir, "d.jsonl"), []byte(strings.Join(records, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	res := curateJSON(t, dir, "--state", "state", "--budget", "2", "d.jsonl")
	out := mustHarvest(t, dir, "clusters", "--state", "state", res.Run).stdout
	for _, words := range []string{"1 cluster of near duplicates, with 3 of 4 samples", "first sample", " a "} {
		if !strings.Contains(out, words) {
			t.Errorf("%q is not printed: %s", words, out)
		}
	}
	out = mustHarvest(t, dir, "clusters", "--state", "state", res.Run, "a#2").stdout
	if want := "a#2 has 2 near duplicates\n    a, index 0\n    c, index 3\n"; out != want {
		t.Errorf("printed %q, want %q", out, want)
	}
	out = mustHarvest(t, dir, "clusters", "--state", "state", res.Run, "b").stdout
	if out != "b has no near duplicates\n" {
		t.Errorf("printed %q", out)
	}
	out = mustHarvest(t, dir, "show", "--state", "state", res.Run, "c").stdout
	if !strings.Contains(out, "near duplicates: 2") {
		t.Errorf("show printed %s", out)
	}
	var report clusterReport
	decode(t, mustHarvest(t, dir, "clusters", "--state", "state", "--json", res.Run).stdout, &report)
	if report.Clusters != 1 || report.Samples != 3 || len(report.Largest) != 1 || report.Largest[0].Size != 3 {
		t.Errorf("reported %+v", report)
	}
	for _, args := range [][]string{{res.Run, "nobody"}, {"no-0123456789ab"}, {}} {
		if a := harvest(t, dir, nil, append([]string{"clusters", "--state", "state"}, args...)...); a.status != 2 {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}
