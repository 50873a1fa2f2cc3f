package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestArms makes the selections of a file. Each selection equals the selection that the same flags make.
func TestArms(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 24, 8)
	first := curateJSON(t, dir, "--state", "state", "--budget", "2", "dataset.json")
	writeFile(t, filepath.Join(dir, "arms.yaml"), `paper: {budget: 6}
descending: {budget: 6, strategy: descending, caps: {source: 50%}}
random-1: {budget: 25%, strategy: random, seed: 1}
`)
	var made map[string]*result
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--arms", "arms.yaml", "--out", "arms", "--no-report",
		"--json", first.Run).stdout, &made)
	for name, flags := range map[string][]string{
		"paper":      {"--budget", "6"},
		"descending": {"--budget", "6", "--strategy", "descending", "--cap-source", "50%"},
		"random-1":   {"--budget", "25%", "--strategy", "random", "--seed", "1"},
	} {
		var alone result
		decode(t, mustHarvest(t, dir, append([]string{
			"select", "--state", "state", "--json", "--no-report", first.Run,
		}, flags...)...).stdout, &alone)
		arm := made[name]
		if arm == nil || arm.Selection != alone.Selection || arm.Selected != 6 ||
			arm.Outputs.Subset != filepath.Join("arms", name, "subset.json") {
			t.Fatalf("%s: %+v, but with flags %+v", name, arm, alone)
		}
		subset := readFile(t, filepath.Join(dir, arm.Outputs.Subset))
		if diff := cmp.Diff(readFile(t, filepath.Join(dir, alone.Outputs.Subset)), subset); diff != "" {
			t.Errorf("%s: subset (-flags +arm):\n%s", name, diff)
		}
	}
	printed := mustHarvest(t, dir, "select", "--state", "state", "--arms", "arms.yaml", "--out", "arms", "--no-report",
		first.Run).stdout
	if !strings.Contains(printed, "paper: 6 samples, arms/paper/subset.json") {
		t.Errorf("printed %s", printed)
	}
	checkBadArms(t, dir, first.Run)
}

// checkBadArms gives files and flags that select refuses.
func checkBadArms(t *testing.T, dir, run string) {
	t.Helper()
	made := filepath.Join(dir, "state", "runs", run, "selections", "*")
	before, _ := filepath.Glob(made)
	for file, want := range map[string]string{
		"":                               "give 1 to 64",
		"a: {}":                          "a: budget: it is missing",
		"a: {budget: 5, tresh: 1}":       `"tresh"`,
		"../a: {budget: 5}":              "is not a name for a folder",
		"- a":                            "give names with values, not a list",
		"A: {budget: 5}\na: {budget: 6}": "A and a would be one folder on a disk that does not distinguish",
		"a: {budget: 5}\nb: {budget: 6, where: [n>1], scores_from: bad.yaml}": "--arms bad.yaml: b: scores_from bad.yaml: ",
		"b: {budget: 6, where: [n>1], scores_from: absent.csv}":               "--arms bad.yaml: b: scores_from: ",
		"a: {budget: 500}":                 "a: ",
		"a: {budget: 5}\nb: {budget: 500}": "b: ",
		"a: {budget: 5, threshold: 9}":     "a: threshold: 9",
		"a: {budget: 5, within: [1]}":      "a: within",
		"a: {budget: 5, strategy: tops}":   `"tops"`,
		"a: {budget: 5, include: [zebra]}": `"zebra"`,
	} {
		writeFile(t, filepath.Join(dir, "bad.yaml"), file+"\n")
		a := harvest(t, dir, nil, "select", "--state", "state", "--arms", "bad.yaml", "--out", "bad", run)
		if a.status == 0 || !strings.Contains(a.stderr, want) {
			t.Errorf("%q: status %d: %s", file, a.status, a.stderr)
		}
	}
	// If one selection is invalid, no folder of another selection is written.
	writeFile(t, filepath.Join(dir, "bad.yaml"), "a: {budget: 5}\nb: {budget: 5, sources: {keep: [nowhere]}}\n")
	a := harvest(t, dir, nil, "select", "--state", "state", "--arms", "bad.yaml", "--out", "partly", run)
	files, err := filepath.Glob(filepath.Join(dir, "partly", "*", "*"))
	after, _ := filepath.Glob(made)
	if len(before) == 0 || len(after) != len(before) {
		t.Errorf("before the invalid commands there were %d selections, and after them %d", len(before), len(after))
	}
	if a.status != 2 || !strings.Contains(a.stderr, "b: --keep-sources") || err != nil || len(files) > 0 {
		t.Errorf("status %d: %s; files %q (%v)", a.status, a.stderr, files, err)
	}
	for _, args := range [][]string{{"--out", "o", "--threshold", "1"}, {}, {"--out", "o", "--sweep"}} {
		command := []string{"select", "--state", "state", "--arms", "arms.yaml", run}
		a := harvest(t, dir, nil, append(command, args...)...)
		if a.status != 2 || !strings.Contains(a.stderr, "--arms: ") {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}
