package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/subset"
)

// TestScoresFrom selects by the numbers in a file, with curate, select, --arms and --sweep.
func TestScoresFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	writeFile(t, filepath.Join(dir, "n.csv"), "id,good\nsample-0003,5\nsample-0007,4\nsample-0001,1\n")
	first := curateJSON(t, dir, "--state", "state", "--budget", "12", "--scores-from", "n.csv", "--where", "good>=2",
		"--out", "out", "dataset.json")
	if first.Selected != 2 || first.Shortfall != 10 {
		t.Errorf("%+v", first)
	}
	const why = "filtered by condition: it does not fulfil good>=2"
	if rejected := readFile(t, filepath.Join(dir, "out", "rejected.jsonl")); strings.Count(rejected, why) != 10 {
		t.Errorf("rejected are\n%s", rejected)
	}
	var kept subset.Selection
	decode(t, readFile(t, filepath.Join(dir, "out", "selection.json")), &kept)
	from := kept.Parameters.Request.ScoresFrom
	var again result
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "12", "--scores-from", from, "--where",
		"good>=2", "--json", first.Run).stdout, &again)
	if again.Selection != first.Selection {
		t.Errorf("--scores-from %s selects %s, want %s", from, again.Selection, first.Selection)
	}
	explained := mustHarvest(t, dir, "explain", "--state", "state", first.Run, first.Selection, "sample-0001").stdout
	says(t, explained, why)
	writeFile(t, filepath.Join(dir, "some.csv"), "id,good\nsample-0003,5\nother,4\n")
	says(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "2", "--scores-from", "some.csv", "--tie-break",
		"good", "--no-report", first.Run).stderr, "--scores-from: 1 of its 2 ids belong to no sample of the run, such as "+
		"other; 11 of 12 samples have no number in good")
	writeFile(t, filepath.Join(dir, "arms.yaml"), "a: {budget: 1, strategy: top, by: -good, scores_from: n.csv}\n")
	mustHarvest(t, dir, "select", "--state", "state", "--arms", "arms.yaml", "--out", "arms", "--no-report", first.Run)
	says(t, readFile(t, filepath.Join(dir, "arms", "a", "subset.json")), "sample-0001")
	var sweep subset.Sweep
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "2", "--scores-from", "n.csv", "--by", "good",
		"--sweep", "--json", first.Run).stdout, &sweep)
	if last := sweep.Rows[len(sweep.Rows)-1]; last.By != "good" {
		t.Errorf("the last row is %+v", last)
	}
	for want, args := range map[string][]string{
		"--scores-from n.txt: ": {"--scores-from", "n.txt", "--where", "a>1"},
		"no such file":          {"--scores-from", "absent", "--where", "a>1"},
		"the columns are separated by semicolons; separate them by commas": {"--scores-from", "semi.csv", "--where", "n>1"},
		"n.txt: the file has no column of numbers in addition to the ids: column \"name\": line 2 has \"y\"": {
			"--scores-from", "n.txt", "--where", "name>1",
		},
		`"good>=1_0": "1_0" is not a number`: {"--where", "good>=1_0"},
		"mix.yaml: line 1: give values with the names sources, styles, not a list; write, for example, `sources: {NAME": {
			"--mix", "mix.yaml",
		},
		"--by: ":    {"--by", "good"},
		"--where: ": {"--where", "good"},
		"give a file of numbers with --scores-from": {"--where", "good>1"},
		"--tie-break: --ratings-only breaks ties":   {"--tie-break", "good", "--ratings-only"},
	} {
		writeFile(t, filepath.Join(dir, "n.txt"), "id,name\nx,y\n")
		writeFile(t, filepath.Join(dir, "semi.csv"), "id;n\nsample-0001;1,5\n")
		writeFile(t, filepath.Join(dir, "mix.yaml"), "[a, b]\n")
		a := harvest(t, dir, nil, append([]string{"select", "--state", "state", "--budget", "1", first.Run}, args...)...)
		if a.status != 2 || !strings.Contains(a.stderr, want) {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}
