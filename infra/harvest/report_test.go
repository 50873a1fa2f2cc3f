package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestReport checks the report of a selection. The report is the same each time, the command prints its name, and
// --no-report writes no report.
func TestReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 40, 32)
	args := []string{"--budget", "25%", "--state", "state", "--out", "out", "dataset.json"}
	first := curateJSON(t, dir, args...)
	if first.Outputs.Report != filepath.Join("out", reportFile) {
		t.Errorf("the report is in %q", first.Outputs.Report)
	}
	page := readFile(t, filepath.Join(dir, first.Outputs.Report))
	says(t, page, "data:image/jpeg;base64,", "harvest select --state state "+first.Run, "--budget 10<", "picked last",
		filepath.Join(dir, "dataset.json"))
	if strings.Contains(page, "datasets/") {
		t.Error("the report names an object of the input bucket, which the user does not know")
	}
	says(t, mustHarvest(t, dir, append([]string{"curate"}, args...)...).stdout, "report     out/report.html")
	if readFile(t, filepath.Join(dir, first.Outputs.Report)) != page {
		t.Error("a second curate command gives another report")
	}
	mustHarvest(t, dir, "select", "--state", "state", "--budget", "10", "--out", "selected", first.Run)
	if readFile(t, filepath.Join(dir, "selected", reportFile)) != page {
		t.Error("select gives another report of the same selection")
	}

	mustHarvest(t, dir, append([]string{"curate", "--report-pictures", "none"}, args...)...)
	if page := readFile(t, filepath.Join(dir, first.Outputs.Report)); strings.Contains(page, "data:image/jpeg") {
		t.Error("--report-pictures none: it has pictures")
	}
	none := curateJSON(t, dir, append([]string{"--no-report"}, args...)...)
	if _, err := os.Stat(filepath.Join(dir, "out", reportFile)); err == nil || none.Outputs.Report != "" {
		t.Errorf("--no-report: %q is there", none.Outputs.Report)
	}
	a := harvest(t, dir, nil, append([]string{"curate", "--report-pictures", "large"}, args...)...)
	if a.status != 2 {
		t.Errorf("--report-pictures large: status %d", a.status)
	}
	says(t, a.stderr, "give small or none")
}

// Parsing the flags that flagsOf writes gives the same request.
func TestFlagsOf(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"budget": "30%"}`,
		`{"budget": "70000-tokens", "seed": 4, "strategy": "top", "ratings_only": true, "unique": true}`,
		`{"budget": "30", "capabilities": ["stem knowledge", "humanities"], "weights": {"stem knowledge": 2.5},
		  "threshold": -1, "thresholds": {"humanities": 2}, "within_bin": "score", "minimums": {"a b": 3, "it's": 2},
		  "styles": {"keep": ["multi-choice"], "drop": ["yes/no"]}, "sources": {"drop": ["a,b", "say \"x\""]},
		  "caps": {"source": "10%", "style": "5", "image": "1"}}`,
		`{"budget": "30", "scores_from": "sha256:0123", "where": ["good>=2"], "tie_break": "-good"}`,
	} {
		var want selection.Request
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		split, err := exec.Command("sh", "-c", `printf '%s\n' `+flagsOf(want)).Output()
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Split(strings.TrimSuffix(string(split), "\n"), "\n")
		var f selectionFlags
		cmd := &cobra.Command{}
		f.add(cmd)
		if err := cmd.ParseFlags(words); err != nil {
			t.Fatalf("%s: %v", flagsOf(want), err)
		}
		got, err := f.specs()
		if err != nil {
			t.Fatalf("%s: %v", flagsOf(want), err)
		}
		asked, read := mustJSON(t, want), mustJSON(t, got[len(got)-1])
		if diff := cmp.Diff(asked, read); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flagsOf(want), diff)
		}
	}
}

// Shares are written as percentages, and files by the names that the user typed.
func TestTypedFlags(t *testing.T) {
	t.Parallel()
	var asked selection.Request
	err := json.Unmarshal([]byte(`{"budget": "10%", "caps": {"source": 0.125, "modality": {"text-only": "7%"}},
		"scores_from": "sha256:0123", "where": ["a>1"], "include": ["x"], "exclude_near": ["evaluations/1/a.tsv"]}`), &asked)
	if err != nil {
		t.Fatal(err)
	}
	asked.Within = []selection.Budget{runtest.Budget(t, "0.3333333333333333333")}
	for files, want := range map[*typedFiles]string{
		{}: "--scores-from sha256:0123 --where 'a>1' --cap-source 12.5% --cap-modality text-only=7% --include FILE " +
			"--exclude-near FILE",
		{scoresFrom: "my n.csv", include: "ids.txt", near: []string{"it's/a.tsv", "b"}}: "--scores-from 'my n.csv' " +
			"--where 'a>1' --cap-source 12.5% --cap-modality text-only=7% --include ids.txt " +
			`--exclude-near 'it'\''s/a.tsv' --exclude-near b`,
	} {
		want = "--budget 0.3333333333333333,10% " + want
		if got := files.flagsOf(asked); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The command in a report has the paths of evaluation sets: the paths in the saved order, also after a restart, and
// paths in serve's folder.
func TestReportNamesEvaluations(t *testing.T) {
	t.Parallel()
	saved := input{Order: &order{Near: []nearFile{{Object: "evaluations/1/a.tsv", Path: "/sets/a.tsv"}}}}
	for want, near := range map[string]func(string) string{
		"/sets/a.tsv":               saved.Order.nearPath,
		"/farm/evaluations/1/a.tsv": serveFlags{buckets: buckets{Input: "/farm"}}.nearPath,
		"FILE":                      serveFlags{buckets: buckets{Input: "gs://farm"}}.nearPath,
	} {
		got := reportCommands("st", near).Select("demo-0123456789ab", api.SelectionRequest{
			Request: selection.Request{ExcludeNear: []string{"evaluations/1/a.tsv"}},
		})
		if !strings.HasSuffix(got, "--exclude-near "+want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if path := saved.Order.nearPath("evaluations/1/b.tsv"); path != "" {
		t.Errorf("an evaluation set of another order has the path %q", path)
	}
	if path := new(input).Order.nearPath("evaluations/1/a.tsv"); path != "" {
		t.Errorf("without an order, an evaluation set has the path %q", path)
	}
}
