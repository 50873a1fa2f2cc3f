package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestClusters finds the near duplicates of a run, and the near duplicates of a sample.
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
	if !strings.Contains(out, "near duplicates: 2 (`harvest clusters --state state RUN ID` lists them)") {
		t.Errorf("show printed %s", out)
	}
	var report clusterReport
	decode(t, mustHarvest(t, dir, "clusters", "--state", "state", "--json", res.Run).stdout, &report)
	if report.Clusters != 1 || report.Samples != 3 || len(report.Largest) != 1 || report.Largest[0].Size != 3 {
		t.Errorf("reported %+v", report)
	}
	many := harvest(t, dir, nil, "clusters", "--state", "state", res.Run, "a", "b")
	if want := "name one run and at most one of its samples, not 3 arguments"; !strings.Contains(many.stderr, want) {
		t.Errorf("too many arguments: %s", many.stderr)
	}
	for _, args := range [][]string{{res.Run, "nobody"}, {"no-0123456789ab"}, {}, {res.Run, "a", "b"}} {
		if a := harvest(t, dir, nil, append([]string{"clusters", "--state", "state"}, args...)...); a.status != 2 {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}

// TestClustersMany names samples by ids and indexes. It checks that the command reports the number of clusters that it
// does not print, and that it computes damaged clusters again.
func TestClustersMany(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	var records []string
	for i := range 21 {
		for range 2 {
			records = append(records, fmt.Sprintf(`{"id": "@%d", "conversations": [{"from": "human", "value": "%s?"}, `+
				`{"from": "gpt", "value": "It is so."}]}`, 20-i, strings.Repeat(string(rune('a'+i)), 9)))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "d.jsonl"), []byte(strings.Join(records, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	res := curateJSON(t, dir, "--state", "state", "--budget", "2", "d.jsonl")
	out := mustHarvest(t, dir, "clusters", "--state", "state", res.Run).stdout
	if want := "and 1 cluster more; --json lists all\n"; !strings.HasSuffix(out, want) {
		t.Errorf("printed %s, want %q", out, want)
	}
	leaders := filepath.Join(dir, "state", "runs", res.Run, "duplicates", "leaders.parquet")
	if err := os.WriteFile(leaders, []byte("PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := mustHarvest(t, dir, "show", "--state", "state", res.Run, "@0").stderr
	if !strings.Contains(shown, "leaders.parquet") || !strings.Contains(shown, "harvest clusters --state state "+res.Run) {
		t.Errorf("with damaged clusters, show prints %q", shown)
	}
	var report clusterReport
	decode(t, mustHarvest(t, dir, "clusters", "--state", "state", "--json", res.Run).stdout, &report)
	if report.Clusters != 21 || len(report.Largest) != 21 {
		t.Errorf("reported %d of %d clusters", len(report.Largest), report.Clusters)
	}
	for name, want := range map[string]string{
		"@0": "    @0, index 41\n", "@41": "    @0, index 40\n", "@20": "    @20, index 1\n", "@0#1": "    @0, index 41\n",
	} {
		out = mustHarvest(t, dir, "clusters", "--state", "state", res.Run, name).stdout
		if want := name + " has 1 near duplicate\n" + want; out != want {
			t.Errorf("printed %q, want %q", out, want)
		}
		for _, command := range [][]string{{"show", "--json", res.Run}, {"explain", "--json", res.Run, "latest"}} {
			var first []subset.Duplicate
			decode(t, mustHarvest(t, dir, append(command, "--state", "state", name)...).stdout, &first)
			clustered := strings.TrimSpace(strings.Split(want, ",")[0])
			if len(first) == 0 || first[0].ID != clustered {
				t.Errorf("%q of %s are %+v", command, name, first)
			}
		}
	}
}
