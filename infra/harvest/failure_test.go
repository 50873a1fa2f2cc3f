package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// breakRecords removes the conversation of some records of a dataset.
func breakRecords(t *testing.T, dir string, n int) {
	t.Helper()
	file := filepath.Join(dir, "dataset.json")
	var records []map[string]any
	decode(t, readFile(t, file), &records)
	for _, record := range records[:n] {
		delete(record, "conversations")
	}
	data, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, string(data))
}

func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q lacks %q", text, w)
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestFailedImages names what to do with the images if most samples fail because of them.
func TestFailedImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "d.json"), `[{"id": "a", "image": "a.png", "conversations": [`+
		`{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]}]`)
	writeFile(t, filepath.Join(dir, "a.png"), "\x89PN")
	a := harvest(t, dir, nil, "curate", "--state", "state", "--budget", "1", "--images", ".", "--quiet", "d.json")
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, "the file is cut short", "replace the damaged images, then type `harvest retry ")
	both := map[reason.Code]int64{images.Undecodable: 1, images.Empty: 1, images.NotFound: 2, "no_answer": 3}
	if got, want := imageFixes(both), "replace the damaged images, add the missing images"; got != want {
		t.Errorf("fixes %q, want %q", got, want)
	}
}

// TestFailureKeepsSubset repeats a command after records were broken, so that it fails. The subset of the first command
// stays. After the records are fixed, the folder has only files of the new subset.
func TestFailureKeepsSubset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	args := []string{"curate", "--state", "state", "--out", "out", "--budget", "2", "--no-report", "dataset.json"}
	mustHarvest(t, dir, args...)
	out, whole := filepath.Join(dir, "out"), readFile(t, filepath.Join(dir, "dataset.json"))
	before := filesIn(t, out)
	subset := readFile(t, filepath.Join(out, "subset.json"))
	breakRecords(t, dir, 3)
	for range 2 {
		a := harvest(t, dir, nil, args...)
		says(t, a.stderr, "3 of 10 samples failed", "out/failed.jsonl lists all failed samples",
			"the subset of an earlier command stays in out")
		want := slices.Sorted(slices.Values(append(slices.Clone(before), "failed.jsonl")))
		if diff := cmp.Diff(want, filesIn(t, out)); diff != "" || a.status != 1 {
			t.Errorf("status %d, output folder (-want +got):\n%s", a.status, diff)
		}
		if readFile(t, filepath.Join(out, "subset.json")) != subset {
			t.Error("the earlier subset has changed")
		}
	}
	if err := os.Remove(filepath.Join(out, selectionFile)); err != nil { // as if a command was killed while it replaced it
		t.Fatal(err)
	}
	says(t, harvest(t, dir, nil, args...).stderr, "files of an earlier command that was interrupted stay in out")
	if readFile(t, filepath.Join(out, "subset.json")) != subset {
		t.Error("the earlier subset has changed")
	}
	if lines := rejectedLines(t, filepath.Join(out, "failed.jsonl")); len(lines) != 3 {
		t.Errorf("failed.jsonl has %d lines, want 3", len(lines))
	}
	writeFile(t, filepath.Join(dir, "dataset.json"), whole)
	mustHarvest(t, dir, args...)
	if diff := cmp.Diff(before, filesIn(t, out)); diff != "" {
		t.Errorf("output folder after the fix (-want +got):\n%s", diff)
	}
}

// TestTooManyFailed curates a dataset in which too many records are broken.
func TestTooManyFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	breakRecords(t, dir, 3)
	args := []string{"curate", "--state", "state", "--out", "out", "--budget", "2", "--json", "--quiet", "dataset.json"}
	a := harvest(t, dir, nil, args...)
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, "3 of 10 samples failed", "5% may fail", "no conversation", "dataset.json: element 1",
		"fix the records, then repeat the command", "--max-failed 30%", filepath.Join("out", "rejected.jsonl"))
	var r result
	decode(t, a.stdout, &r)
	if r.Samples.Failed != 3 || r.Selected != 0 || r.Problem == "" {
		t.Errorf("result %+v", r)
	}
	if diff := cmp.Diff([]string{"rejected.jsonl"}, filesIn(t, filepath.Join(dir, "out"))); diff != "" {
		t.Errorf("output folder (-want +got):\n%s", diff)
	}
	if lines := rejectedLines(t, filepath.Join(dir, "out", "rejected.jsonl")); len(lines) != 3 || lines[0].Place == nil {
		t.Errorf("rejected %+v", lines)
	}
	var status run.Status
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", r.Run).stdout, &status)
	if status.State != run.StateFailed || status.Problem == "" {
		t.Errorf("status %+v", status)
	}
	says(t, harvest(t, dir, nil, "explain", "--state", "state", r.Run, "latest", "s1").stderr,
		"run "+r.Run+" failed, so it has no selection; `harvest status --state state "+r.Run+"` says why",
		"`harvest show --state state "+r.Run+" ID` shows a sample",
		"`harvest select --state state "+r.Run+" --max-failed 30% --budget 1` selects")
	if a := harvest(t, dir, nil, "select", "--state", "state", "--budget", "2", r.Run); a.status != 1 {
		t.Errorf("select: status %d: %s", a.status, a.stderr)
	}
	a = harvest(t, dir, nil, "select", "--state", "state", "--out", "other", "--budget", "2", "--max-failed", "3", r.Run)
	if a.status != 0 {
		t.Errorf("select that allows three: status %d: %s", a.status, a.stderr)
	}
	passed := decodeResult(t, mustHarvest(t, dir, append(args, "--max-failed", "30%")...).stdout)
	if passed.Selected != 2 || passed.Run != r.Run {
		t.Errorf("allowed: %+v", passed)
	}
	var allowed run.Status
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", r.Run).stdout, &allowed)
	if allowed.State != run.StateScored || allowed.Problem != "" {
		t.Errorf("status after --max-failed 30%%: %s, %s", allowed.State, allowed.Problem)
	}
	want := []string{
		"picks.parquet", "rejected.jsonl", "report.html", "scores-0000.parquet", "selection.json", "subset.json",
	}
	if diff := cmp.Diff(want, filesIn(t, filepath.Join(dir, "out"))); diff != "" {
		t.Errorf("output folder (-want +got):\n%s", diff)
	}
	again := "harvest select --state state " + r.Run + " --max-failed 30%"
	says(t, readFile(t, filepath.Join(dir, "out", "report.html")), again+" --budget 2")
	printed := mustHarvest(t, dir, "select", "--state", "state", r.Run, "--budget", "1").stdout // the limit of curate
	says(t, printed, "\n  harvest select --state state "+r.Run+" --budget 1\n")
	mustHarvest(t, dir, append(strings.Fields(again)[1:], "--budget", "1")...)
	if a := harvest(t, dir, []string{"MAX_FAILED=3"}, args...); a.status != 0 {
		t.Errorf("MAX_FAILED=3: status %d: %s", a.status, a.stderr)
	}
	says(t, harvest(t, dir, nil, append(args, "--max-failed", "some")...).stderr, "--max-failed", `"some"`, `"5%"`)
}

// TestAllowedFailures curates a dataset in which as many records are broken as --max-failed allows. Later selections
// from the run have the same limit.
func TestAllowedFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	breakRecords(t, dir, 3)
	a := mustHarvest(t, dir, "curate", "--state", "state", "--budget", "2", "--max-failed", "3", "dataset.json")
	next := regexp.MustCompile(`(?m)^  harvest (select .*)$`).FindStringSubmatch(a.stdout)
	if next == nil || strings.Contains(next[1], "--max-failed") {
		t.Fatalf("%s: want a command without --max-failed, because the run has this limit", a.stdout)
	}
	mustHarvest(t, dir, strings.Fields(next[1])...)
	b := harvest(t, dir, nil, append(strings.Fields(next[1]), "--max-failed", "2")...)
	if b.status != 1 {
		t.Errorf("a lower limit: status %d: %s", b.status, b.stderr)
	}
	says(t, b.stderr, "3 of 10 samples failed, but only 2 may fail")
}

// TestNestedStay keeps nested subsets if a later command fails, because of the run or because of the selection.
func TestNestedStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	breakRecords(t, dir, 3)
	out := filepath.Join(dir, "out")
	nested := []string{"curate", "--state", "state", "--out", "out", "--max-failed", "3", "dataset.json"}
	made := decodeResult(t, mustHarvest(t, dir, append(nested, "--budget", "1,2", "--json")...).stdout)
	before := tree(t, out)
	const stay = "the subsets of an earlier command stay in out\n"
	for _, tt := range []struct {
		command []string
		says    string
	}{
		{[]string{"curate", "--budget", "1,2", "--max-failed", "1", "dataset.json"}, stay},
		{[]string{"select", "--budget", "1,2", "--max-failed", "0", made.Run}, stay},
		{[]string{"select", "--budget", "2", "--max-failed", "0", made.Run}, stay},
		{
			[]string{
				"select", "--budget", "1,2", "--max-failed", "3", "--threshold", "4", "--capabilities", "humanities", made.Run,
			},
			"the subset of an earlier command stays in out/2\n",
		},
	} {
		a := harvest(t, dir, nil, append(tt.command, "--state", "state", "--out", "out")...)
		if says(t, a.stderr, tt.says); a.status != 1 {
			t.Errorf("%q: status %d, want 1", tt.command, a.status)
		}
		after := tree(t, out)
		for name, content := range before {
			if strings.Contains(name, "/") && filepath.Base(name) != ownFile && after[name] != content {
				t.Errorf("%q changed or removed %s", tt.command, name)
			}
		}
	}
	mustHarvest(t, dir, append(nested, "--budget", "1,2")...)
	if diff := cmp.Diff([]string{"1", "2"}, filesIn(t, out)); diff != "" {
		t.Errorf("after a success (-want +got):\n%s", diff)
	}
}

// TestNothingSelectable curates datasets in which no sample can be selected.
func TestNothingSelectable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 4, 8)
	a := harvest(t, dir, nil, "curate", "--state", "state", "--out", "out", "--budget", "2", "--threshold", "4",
		"--capabilities", "humanities", "--quiet", "dataset.json")
	if a.status != 1 || strings.Count(a.stderr, "\n") != 1 {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
	says(t, a.stderr, "no sample can be selected", "below threshold", "element 1", "; --threshold: ", "give ",
		"rejected.jsonl")
	if diff := cmp.Diff([]string{"rejected.jsonl"}, filesIn(t, filepath.Join(dir, "out"))); diff != "" {
		t.Errorf("output folder (-want +got):\n%s", diff)
	}
	breakRecords(t, dir, 4)
	a = harvest(t, dir, nil, "curate", "--state", "state", "--out", "out", "--budget", "2", "--max-failed", "100%",
		"dataset.json")
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, "none of the 4 samples can be selected: all failed", "no conversation", "element 1")
	a = harvest(t, dir, nil, "plan", "--state", "state", "dataset.json")
	if a.status != 1 {
		t.Errorf("plan: status %d", a.status)
	}
	says(t, a.stderr, "none of the 4 records can be used", "no conversation")
	says(t, a.stdout, "and 1 more")
	// This is not an error of the command line, because no other budget helps.
	unusable := a.stderr
	a = harvest(t, dir, nil, "curate", "--state", "state", "--budget", "5", "dataset.json")
	if a.status != 1 || a.stderr != unusable {
		t.Errorf("status %d: %s, want the error of plan: %s", a.status, a.stderr, unusable)
	}
	// The error lists first the problems, and then the budget that is impossible because of these problems.
	newDataset(t, dir, 4, 8)
	breakRecords(t, dir, 2)
	a = harvest(t, dir, nil, "curate", "--state", "state", "--budget", "5", "dataset.json")
	if a.status != 2 || strings.Index(a.stderr, "no conversation") > strings.Index(a.stderr, "--budget: 5") {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
	says(t, a.stderr, "2 of 4 records cannot be used", "--budget: 5")
}

// TestMissedMinimum fills the budget and misses a minimum. The table and a warning report the minimum.
func TestMissedMinimum(t *testing.T) {
	t.Parallel()
	rows := []selection.Shortfall{
		{Capability: "coding", Asked: 3, Given: 1, Cause: selection.CauseTaken},
		{Source: "bars", Asked: 5, Given: 4, Cause: selection.CauseRemoved},
	}
	var warned, printed strings.Builder
	warnOfShortfall(&warned, selection.ResolvedRequest{Budget: 12}, 0, rows)
	if err := printShortfalls(&printed, 0, rows); err != nil {
		t.Fatal(err)
	}
	says(t, warned.String(), "minimums not reached: 1, such as 4 of 5 samples of bars: candidates left at")
	says(t, printed.String(), "minimum of bars")
	var capped strings.Builder
	one, err := selection.ParseCap("1")
	if err != nil {
		t.Fatal(err)
	}
	asked := selection.ResolvedRequest{Budget: 12}
	asked.Request.Caps = selection.Caps{Source: one}
	warnOfShortfall(&capped, asked, 3, rows)
	says(t, capped.String(), "too few samples can be selected within --cap-source 1\n")
	if strings.Contains(printed.String(), "coding") {
		t.Errorf("the budget is filled, but a capability has a shortfall:\n%s", printed.String())
	}
}

// TestShortfall selects from fewer usable samples than the budget. A warning and --json report the shortfall.
func TestShortfall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	breakRecords(t, dir, 4)
	args := []string{
		"--state", "state", "--out", "out", "--quiet", "--budget", "2,8", "--max-failed", "100%", "--threshold", "-1",
	}
	a := mustHarvest(t, dir, append(append([]string{"curate", "--json"}, args...), "dataset.json")...)
	r := decodeResult(t, a.stdout)
	if r.Selected != 6 || r.Shortfall != 2 || r.Nested[0].Shortfall != 0 {
		t.Errorf("%s: want 6 selected and 2 short", a.stdout)
	}
	const warning = "harvest: warning: 2 of a budget of 8 samples could not be filled"
	if strings.Count(a.stderr, "could not be filled") != 1 {
		t.Errorf("%q, want one warning", a.stderr)
	}
	says(t, a.stderr, warning)
	a = mustHarvest(t, dir, append([]string{"select", r.Run}, args...)...)
	says(t, a.stderr, warning)
	says(t, a.stdout, "shortfall")
	for line := range strings.Lines(a.stdout) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); strings.ContainsAny(line, "│┌├└") && n > 80 {
			t.Errorf("a table is %d columns wide: %s", n, line)
		}
	}
	a = mustHarvest(t, dir, "select", "--scores", filepath.Join("state", "runs", r.Run, "scores", "*.parquet"),
		"--budget", "8", "--threshold", "-1", "--out", "picks.parquet", "--json")
	says(t, a.stderr, warning)
	says(t, a.stdout, `"shortfall": 2`)
}

// writeLines also writes the dataset of a folder as dataset.jsonl.
func writeLines(t *testing.T, dir string) {
	t.Helper()
	var records []json.RawMessage
	decode(t, readFile(t, filepath.Join(dir, "dataset.json")), &records)
	var lines strings.Builder
	for _, record := range records {
		var one any
		decode(t, string(record), &one)
		data, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(data, '\n'))
	}
	writeFile(t, filepath.Join(dir, "dataset.jsonl"), lines.String())
}

// TestForgottenImages leaves out --images. Before anything is scored, commands name the folder of the images.
func TestForgottenImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, filepath.Join(dir, "pictures"), 4, 8)
	writeFile(t, filepath.Join(dir, "dataset.json"), readFile(t, filepath.Join(dir, "pictures", "dataset.json")))
	for _, command := range []string{"curate --budget 2 --out out", "plan", "annotate --scorer embedded --samples 2"} {
		args := append(strings.Fields(command), "--state", "state", "dataset.json")
		a := harvest(t, dir, nil, args...)
		if a.status != 1 {
			t.Errorf("%s: status %d", command, a.status)
		}
		says(t, a.stderr, "4 of 4 images", "give --images "+filepath.Join(dir, "pictures"))
		if strings.HasPrefix(command, "curate") {
			says(t, a.stderr, "--max-failed 100%")
			if strings.Contains(a.stderr, "score ") {
				t.Errorf("the dataset was scored: %s", a.stderr)
			}
		}
	}
	writeFile(t, filepath.Join(dir, "long.jsonl"), strings.Repeat(`{"id":"a","image":"source0/0000.png","conversations":[`+
		`{"from":"human","value":"<image>\nWhat?"},{"from":"gpt","value":"That"}]}`+"\n", 300))
	a := harvest(t, dir, nil, "curate", "--budget", "2", "--state", "state", "--out", "out", "long.jsonl")
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, "harvest: images: 200 of 200", "give --images "+filepath.Join(dir, "pictures"),
		"--max-failed 100%")
	for _, content := range []string{"[]", `{"data": []}`} {
		writeFile(t, filepath.Join(dir, "none.json"), content)
		for _, command := range []string{"plan", "curate --budget 5"} {
			args := append(strings.Fields(command), "--state", "state", "./none.json")
			a := harvest(t, dir, nil, args...)
			want := "harvest: ./none.json: the manifest has no records; write at least one\n"
			if a.status != 1 || a.stderr != want {
				t.Errorf("%s: %s: status %d: %s, want %s", content, command, a.status, a.stderr, want)
			}
		}
	}
}

// TestOutputFolder writes different selections to one folder.
func TestOutputFolder(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	writeLines(t, dir)
	curate := func(budget, manifest string) answer {
		return harvest(t, dir, nil, "curate", "--state", "state", "--out", "out", "--budget", budget, "--json", "--quiet",
			manifest)
	}
	one := func(subset string) []string {
		return []string{"picks.parquet", "rejected.jsonl", "report.html", "scores-0000.parquet", "selection.json", subset}
	}
	for _, step := range []struct {
		budget, manifest string
		want             []string
	}{
		{"2", "dataset.jsonl", one("subset.jsonl")},
		{"3", "dataset.json", one("subset.json")},
		{"1,2", "dataset.json", []string{"1", "2"}},
		{"1,3", "dataset.json", []string{"1", "3"}},
		{"2", "dataset.jsonl", one("subset.jsonl")},
	} {
		if a := curate(step.budget, step.manifest); a.status != 0 {
			t.Fatalf("%+v: %s", step, a.stderr)
		}
		if diff := cmp.Diff(step.want, filesIn(t, filepath.Join(dir, "out"))); diff != "" {
			t.Errorf("%+v: output folder (-want +got):\n%s", step, diff)
		}
	}
	var sel writtenSelection
	decode(t, readFile(t, filepath.Join(dir, "out", "selection.json")), &sel)
	if sel.ScorerID == "" || sel.Rubric == "" || sel.Program.Version == "" || len(sel.Manifests) != 1 ||
		sel.Manifests[0].Name != filepath.Join(dir, "dataset.jsonl") || len(sel.Manifests[0].CRC32C) != 8 ||
		!slices.Contains(sel.Command, "curate") || len(sel.Files) != 6 {
		t.Errorf("selection.json %+v", sel)
	}
	// Files that a killed process wrote count as Harvest's own files.
	if err := os.Remove(filepath.Join(dir, "out", "selection.json")); err != nil {
		t.Fatal(err)
	}
	if a := curate("2", "dataset.json"); a.status != 0 {
		t.Errorf("after a kill: %s", a.stderr)
	}
	for _, name := range []string{"notes.txt", "old/subset.json"} {
		writeFile(t, filepath.Join(dir, "out", name), "mine")
		a := curate("2", "dataset.json")
		if a.status != 2 {
			t.Errorf("%s: status %d", name, a.status)
		}
		says(t, a.stderr, "--out out", filepath.Dir(name), "did not write")
		if readFile(t, filepath.Join(dir, "out", name)) != "mine" {
			t.Errorf("%s was changed", name)
		}
		if err := os.RemoveAll(filepath.Join(dir, "out", strings.Split(name, "/")[0])); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResumeCompletes resumes a run whose selection is missing. The subset is written to the requested folder.
func TestResumeCompletes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 10, 8)
	first := curateJSON(t, dir, "--state", "state", "--out", "out", "--budget", "2", "dataset.json")
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	a := mustHarvest(t, dir, "resume", "--state", "state", "--json", "--quiet", first.Run)
	resumed := decodeResult(t, a.stdout)
	if resumed.Selection != first.Selection || resumed.Selected != 2 {
		t.Errorf("resumed %+v", resumed)
	}
	want := []string{
		"picks.parquet", "rejected.jsonl", "report.html", "scores-0000.parquet", "selection.json", "subset.json",
	}
	if diff := cmp.Diff(want, filesIn(t, filepath.Join(dir, "out"))); diff != "" {
		t.Errorf("output folder (-want +got):\n%s", diff)
	}
	a = mustHarvest(t, dir, "retry", "--state", "state", first.Run)
	says(t, a.stdout, "no failed samples", "nothing to retry")
	var statuses []run.Status
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json").stdout, &statuses)
	if len(statuses) != 1 {
		t.Errorf("%d runs, want 1", len(statuses))
	}
}

// TestNames gives commands misspelt names and invalid budgets.
func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 3, 8)
	writeFile(t, filepath.Join(dir, "prose.json"), "Dear colleague,\n")
	writeFile(t, filepath.Join(dir, "scores.parquet"), "")
	writeFile(t, filepath.Join(dir, "rubric.yaml"), "capabilitie: [a]\n")
	for _, tc := range []struct {
		args   []string
		status int
		says   []string
	}{
		{[]string{"curat"}, 2, []string{`did you mean "curate"?`}},
		{[]string{"curate", "--bugdet", "1", "dataset.json"}, 2, []string{"--bugdet", `did you mean "--budget"?`}},
		{[]string{"curate", "--budget", "1,000", "dataset.json"}, 2, []string{"1000 without separators"}},
		{[]string{"curate", "--budget", "1.", "dataset.json"}, 2, []string{"the nearest budget is 1.0"}},
		{[]string{"curate", "--budget", "1", "--threshold", "high", "dataset.json"}, 2,
			[]string{`--threshold high: "high" is not a whole number`}},
		{[]string{"curate", "--budget", "1", "--seed", "0x10", "dataset.json"}, 2,
			[]string{`--seed 0x10: "0x10" is not a whole number in decimal digits; write a number such as 16`}},
		{[]string{"gc", "--keep", "010"}, 2, []string{`--keep 010: "010" is not a whole number; write 10`}},
		{[]string{"curate", "--budget", "1", "--thresholds", "humanities", "dataset.json"}, 2,
			[]string{`--thresholds humanities: "humanities" is not a name with a value`}},
		{[]string{"curate", "--budget", "1", "--keep-styles", "yesno", "dataset.json"}, 2,
			[]string{`--keep-styles: "yesno"`, `did you mean "yes/no"?`}},
		{[]string{"curate", "--budget", "1", "--weights", "humanitys=2", "dataset.json"}, 2,
			[]string{`--weights: "humanitys"`, `did you mean "humanities"?`}},
		{[]string{"curate", "--budget", "1", "--scorer", "embeddd", "dataset.json"}, 2,
			[]string{"--scorer", `did you mean "embedded"?`}},
		{[]string{"curate", "--budget", "1", "--rubric", "./rubric.yaml", "dataset.json"}, 1,
			[]string{`rubric ./rubric.yaml: line 1: there is no key "capabilitie"; did you mean "capabilities"?`}},
		{[]string{"curate", "--budget", "1", "--state", "prose.json", "dataset.json"}, 2,
			[]string{"harvest: --state prose.json: a part of this path is a file"}},
		{[]string{"curate", "--budget", "1", "./prose.json"}, 1, []string{"harvest: manifest ./prose.json"}},
		{[]string{"select", "--scores", "scores.parquet", "--out", "y.json", "--budget", "1"}, 2,
			[]string{"--out y.json", ".parquet"}},
	} {
		a := harvest(t, dir, nil, tc.args...)
		if a.status != tc.status {
			t.Errorf("%q: status %d", tc.args, a.status)
		}
		says(t, a.stderr, tc.says...)
		if strings.Contains(a.stderr, "datasets/") {
			t.Errorf("%q names an object: %s", tc.args, a.stderr)
		}
	}
	a := harvest(t, dir, nil, "curate", "--state", "state", "--quiet", "--budget", "3-tokens", "dataset.json")
	if a.status == 0 {
		t.Error("a budget below the smallest sample is accepted")
	}
	says(t, a.stderr, "harvest: --budget: 3 tokens are less than any sample has")
	a = harvest(t, dir, []string{"MAX_RECORD_BYTES=big"}, "curate", "--budget", "1", "dataset.json")
	if want := "harvest: reading the environment: MAX_RECORD_BYTES: \"big\" is not a whole number\n"; a.stderr != want {
		t.Errorf("environment: %s, want %s", a.stderr, want)
	}
}
