package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
	"github.com/spf13/cobra"
)

// compareAmounts compares budgets and caps, which have no exported fields.
var compareAmounts = cmp.Options{
	cmp.Comparer(func(a, b selection.Budget) bool { return a == b }),
	cmp.Comparer(func(a, b selection.Cap) bool { return a == b }),
	cmp.Comparer(func(a, b selection.VisualTokens) bool { return a == b }),
}

func amount[T any](t *testing.T, parse func(string) (T, error), text string) T {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func parseSelection(t *testing.T, args ...string) ([]selection.Request, error) {
	t.Helper()
	var f selectionFlags
	cmd := &cobra.Command{}
	f.add(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		return nil, err
	}
	return f.specs()
}

// parsedFlags are flags of a selection, and the resulting request without its budget.
type parsedFlags struct {
	args []string
	want selection.Request
}

// selectionFlagCases has a case for each flag. ids is a file of ids.
func selectionFlagCases(t *testing.T, ids string) map[string]parsedFlags {
	t.Helper()
	return map[string]parsedFlags{
		"budget": {nil, selection.Request{}},
		"capabilities": {
			[]string{"--capabilities", "humanities, stem knowledge"},
			selection.Request{Rules: selection.Rules{Capabilities: []string{"humanities", "stem knowledge"}}},
		},
		"weights": {[]string{"--weights", "stem knowledge=3,humanities=0.5"},
			selection.Request{Rules: selection.Rules{Weights: map[string]float64{"stem knowledge": 3, "humanities": 0.5}}}},
		"threshold": {[]string{"--threshold", "-1"}, selection.Request{Rules: selection.Rules{Threshold: -1}}},
		"thresholds": {
			[]string{"--thresholds", "humanities=2"},
			selection.Request{Rules: selection.Rules{Thresholds: map[string]int{"humanities": 2}}},
		},
		"within-bin": {
			[]string{"--within-bin", "score"},
			selection.Request{Rules: selection.Rules{WithinBin: selection.ByScore}},
		},
		"ratings-only": {[]string{"--ratings-only"}, selection.Request{Rules: selection.Rules{RatingsOnly: true}}},
		"strategy":     {[]string{"--strategy", "top"}, selection.Request{Rules: selection.Rules{Strategy: selection.Top}}},
		"seed": {
			[]string{"--seed", "18446744073709551615"},
			selection.Request{Rules: selection.Rules{Seed: 1<<64 - 1}},
		},
		"styles": {[]string{"--keep-styles", "yes/no", "--drop-styles", "comparison,coordinate"},
			selection.Request{
				Rules: selection.Rules{
					Styles: selection.Filter{Keep: []string{"yes/no"}, Drop: []string{"comparison", "coordinate"}},
				},
			}},
		"sources": {[]string{"--keep-sources", "a,b", "--drop-sources", "c"},
			selection.Request{Rules: selection.Rules{Sources: selection.Filter{Keep: []string{"a", "b"}, Drop: []string{"c"}}}}},
		"unique":  {[]string{"--unique"}, selection.Request{Rules: selection.Rules{Unique: true}}},
		"include": {[]string{"--include", ids}, selection.Request{Include: []string{"a", "b c", "d"}}},
		"exclude": {[]string{"--exclude", ids}, selection.Request{Exclude: []string{"a", "b c", "d"}}},
		"minimums": {
			[]string{"--minimums", "geo170k=500,ai2d=1"},
			selection.Request{Rules: selection.Rules{Minimums: map[string]int{"geo170k": 500, "ai2d": 1}}},
		},
		"caps": {
			[]string{"--cap-source", "10%", "--cap-style", "200", "--cap-image", "3"},
			selection.Request{Rules: selection.Rules{Caps: selection.Caps{
				Source: amount(t, selection.ParseCap,
					"10%"), Style: amount(t, selection.ParseCap, "200"), Image: amount(t, selection.ParseCap, "3"),
			}}},
		},
	}
}

// TestSelectionFlags checks the request of every flag of a selection.
func TestSelectionFlags(t *testing.T) {
	t.Parallel()
	tests := selectionFlagCases(t, writeFile(t, filepath.Join(t.TempDir(), "ids"), "\ufeffa\r\n\nb c\nd"))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSelection(t, append([]string{"--budget", "30%"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Budget = amount(t, selection.ParseBudget, "30%")
			noBudgets := cmp.FilterValues(func(a, b []selection.Budget) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
			diff := cmp.Diff(tt.want, got[len(got)-1], compareAmounts, noBudgets)
			if len(got) != 1 || diff != "" {
				t.Errorf("%d specs, the last (-want +got):\n%s", len(got), diff)
			}
		})
	}

	several, err := parseSelection(t, "--budget", "5%,100", "--budget", "0.3", "--unique")
	if err != nil || len(several) != 3 {
		t.Fatalf("%d specs of three budgets, %v", len(several), err)
	}
	budgets := []selection.Budget{
		amount(t, selection.ParseBudget, "5%"),
		amount(t, selection.ParseBudget, "100"),
		amount(t, selection.ParseBudget, "0.3"),
	}
	for i, spec := range several {
		if spec.Budget != budgets[i] || !slices.Equal(spec.Within, budgets[:i]) || !spec.Unique {
			t.Errorf("spec %d is %+v", i, spec)
		}
	}
}

// A refusedCommand is an invalid command line, with parts of its error.
type refusedCommand struct{ args, says []string }

var refusedCommands = map[string]refusedCommand{
	"budget": {[]string{"--budget", "5%,half"}, []string{"--budget", `"half"`}},
	"tokens": {[]string{"--budget", "200X-tokens"}, []string{"--budget", `"200X-tokens"`}},
	"weights": {
		[]string{"--budget", "1", "--weights", "humanities=much"},
		[]string{"--weights", `--weights humanities=much: "humanities": "much" is not a number`},
	},
	"no weight":      {[]string{"--budget", "1", "--weights", "humanities"}, []string{"--weights", "humanities"}},
	"threshold":      {[]string{"--budget", "1", "--threshold", "9"}, []string{"threshold: 9", "-1 to 4"}},
	"no threshold":   {[]string{"--budget", "1", "--threshold", "high"}, []string{"--threshold", "high"}},
	"thresholds":     {[]string{"--budget", "1", "--thresholds", "humanities=high"}, []string{"--thresholds", "high"}},
	"seed":           {[]string{"--budget", "1", "--seed", "-1"}, []string{"--seed", "-1"}},
	"include":        {[]string{"--budget", "1", "--include", "absent"}, []string{"--include", "absent", "no such file"}},
	"exclude":        {[]string{"--budget", "1", "--exclude", "none"}, []string{"--exclude", "none names no id"}},
	"minimums":       {[]string{"--budget", "1", "--minimums", "a=few"}, []string{"--minimums", "few"}},
	"cap of sources": {[]string{"--budget", "1", "--cap-source", "most"}, []string{"--cap-source", `"most"`}},
	"cap of styles":  {[]string{"--budget", "1", "--cap-style", "0"}, []string{"--cap-style", `"0"`}},
	"cap of images":  {[]string{"--budget", "1", "--cap-image", "10-tokens"}, []string{"--cap-image", `"10-tokens"`}},

	"scores without a manifest": {
		[]string{"--budget", "1", "--scores", "s", "--out", "o"}, []string{"--manifest is missing"},
	},
	"manifest without scores": {
		[]string{"--budget", "1", "--manifest", "m", "--out", "o"}, []string{"--scores is missing"},
	},
	"scores without an output": {
		[]string{"--budget", "1", "--scores", "s", "--manifest", "m"}, []string{"--out is missing"},
	},
	"several budgets of scores": {
		[]string{"--budget", "1,2", "--scores", "s", "--manifest", "m", "--out", "o"}, []string{"--budget: 2 budgets are " +
			"given, and --scores allows one"},
	},
	"manifest of Parquet": {
		[]string{"--budget", "1", "--scores", "*.parquet", "--manifest", "m", "--out", "o"}, []string{"--manifest: Parquet"},
	},
	"no Parquet": {
		[]string{"--budget", "1", "--scores", "*.parquet", "--out", "o"}, []string{"no file matches *.parquet"},
	},
	"state of scores": {
		[]string{"--budget", "1", "--scores", "s", "--manifest", "m", "--out", "o", "--state", "x"}, []string{"--state: "},
	},
	"error without a sweep": {
		[]string{"--budget", "1", "--rating-error", "1"}, []string{"--rating-error: it is used only with --sweep"},
	},
	"no ids to explain": {[]string{"explain", "x-1", "y"}, []string{"at least one sample", "harvest status RUN"}},
	"explain an unknown run": {
		[]string{"explain", "--state", "state", "x-1", "y", "z"}, []string{"no such run: x-1", "harvest status"},
	},
}

// TestSelectionFlagFaults checks that the error names the invalid flag.
func TestSelectionFlagFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "none"), "\n\r\n")
	for name, tt := range refusedCommands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if args[0] != "explain" {
				args = append([]string{"select"}, args...)
				if !slices.ContainsFunc(args, func(a string) bool { return a == "--scores" || a == "--manifest" }) {
					args = append(args, "--state", "state", "x-1")
				}
			}
			a := harvest(t, dir, nil, args...)
			if a.status != 2 || a.stdout != "" {
				t.Errorf("status %d, want 2; printed %q", a.status, a.stdout)
			}
			for _, words := range tt.says {
				if !strings.Contains(a.stderr, words) {
					t.Errorf("says %q, which lacks %q", a.stderr, words)
				}
			}
		})
	}
}

// TestSelectFromReference selects from the reference's score files. The subset equals the reference's subset.
func TestSelectFromReference(t *testing.T) {
	t.Parallel()
	const fixture = "../../testdata/selection/01_tiny50"
	var args struct {
		Capabilities []string
		Budget       int
	}
	decode(t, readFile(t, filepath.Join(fixture, "args.json")), &args)
	dir := t.TempDir()
	command := func(out string, more ...string) []string {
		return append([]string{
			"select", "--scores", filepath.Join(fixture, "scores"), "--manifest", filepath.Join(fixture, "manifest.json"),
			"--budget", strconv.Itoa(args.Budget), "--capabilities", strings.Join(args.Capabilities, ","), "--ratings-only",
			"--out", filepath.Join(dir, out),
		}, more...)
	}
	table := mustHarvest(t, ".", command("table.json")...).stdout
	for _, shown := range []string{
		"selected 10 of 50 samples: ", "mean rating", "picked on a rating of", "kept of all ratings of 4 and 5: ",
		"rules at this budget", "descending:\n  harvest select --scores ", "--budget 10 --capabilities ",
		"tokens (estimate)          │    - │      - │      - │\n", "tokens (estimate)              │       - │           - │",
	} {
		if !strings.Contains(strings.ReplaceAll(table, " \\\n      ", " "), shown) { // the command is folded
			t.Errorf("%q is not printed: %s", shown, table)
		}
	}
	for line := range strings.Lines(table) {
		if !strings.Contains(line, dir) && utf8.RuneCountInString(line) > 81 {
			t.Errorf("a line of more than 80 columns: %q", line)
		}
	}
	var res fileResult
	decode(t, mustHarvest(t, ".", command("subset.json", "--json")...).stdout, &res)
	if res.Selected != 10 || res.Samples.In != 50 || res.Samples.Scored != 50 ||
		res.Outputs.Subset != filepath.Join(dir, "subset.json") ||
		res.Outputs.Picks != "" {
		t.Errorf("result %+v", res)
	}
	var items []struct{ Idx int }
	subset := readFile(t, res.Outputs.Subset)
	decode(t, subset, &items)
	var got []string
	for _, item := range items {
		got = append(got, strconv.Itoa(item.Idx))
	}
	if diff := cmp.Diff(strings.Fields(readFile(t, filepath.Join(fixture, "expected.txt"))), got); diff != "" {
		t.Errorf("idx (-expected.txt +got):\n%s", diff)
	}
	if subset != readFile(t, filepath.Join(dir, "table.json")) {
		t.Error("with --json another subset is written")
	}
	refused := command("refused.json", "--cap-source", "1", "--keep-sources", "moon")
	if a := harvest(t, ".", nil, refused...); a.status != 2 ||
		!strings.Contains(a.stderr, `"moon" is unknown; known are: `) {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "refused.json")); err == nil {
		t.Error("a refused command has written a subset")
	}
}

// checkNested checks the selections of 10 %, 5 samples and 30 %. Each selection contains the selection before it.
func checkNested(t *testing.T, dir string, first *result, size int) {
	t.Helper()
	var within []string
	for i, r := range append(slices.Clone(first.Nested), first) {
		if want := filepath.Join("out", []string{"0.1", "5", "0.3"}[i], "subset.json"); r.Outputs.Subset != want {
			t.Errorf("subset %d is in %s, want %s", i, r.Outputs.Subset, want)
		}
		checkSplit(t, dir, *r, size)
		ids := pickedIDs(t, filepath.Join(dir, r.Outputs.Picks))
		if len(ids) != r.Selected || !slices.Equal(ids[:len(within)], within) {
			t.Errorf("picks %q do not begin with %q", ids, within)
		}
		within = ids
	}
}

// checkExplained explains samples of a selection. second is the sample that was picked second.
func checkExplained(t *testing.T, dir, runID, selectionID, second string) {
	t.Helper()
	explain := []string{
		"explain", "--state", "state", runID, selectionID, "sample-0006", "sample-0008", "sample-0005",
		"sample-0003", second,
	}
	printed := mustHarvest(t, dir, explain...).stdout
	for line := range strings.Lines(printed) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("a line of more than 80 columns: %q", line)
		}
	}
	said := strings.Join(strings.Fields(printed), " ")
	for _, line := range []string{
		"sample-0006: selected as number 1, by include at rank 1 ",
		"sample-0008: not selected: excluded: the sample is on the list of excluded samples ",
		"sample-0005: not selected: failed: image not found",
		"sample-0003: not selected: filtered by source: the selection excludes the source of the sample ",
		second + ": selected as number 2, for ",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("the explanation lacks %q:\n%s", line, said)
		}
	}
	var explained []subset.Explanation
	decode(t, mustHarvest(t, dir, append(explain, "--json")...).stdout, &explained)
	if len(explained) != 5 || explained[2].Status != scores.Failed || explained[4].Order != 2 {
		t.Errorf("explanations %+v", explained)
	}
	if a := harvest(t, dir, nil, append(explain, "nobody")...); a.status != 2 || !strings.Contains(a.stderr, `"nobody"`) ||
		a.stdout != "" {
		t.Errorf("explaining an unknown sample: status %d: %s", a.status, a.stderr)
	}
}

// TestSelections makes nested selections of a run, explains samples, and selects from the run's Parquet files.
func TestSelections(t *testing.T) {
	t.Parallel()
	const size = 40
	dir := t.TempDir()
	newDataset(t, dir, size, 16)
	if err := os.Remove(filepath.Join(dir, "source1", "0005.png")); err != nil {
		t.Fatal(err)
	}
	first := curateJSON(t, dir, "--state", "state", "--out", "out", "--budget", "10%,5,30%", "dataset.json")
	if first.Selected != 12 || len(first.Nested) != 2 || first.Nested[0].Selected != 4 || first.Nested[1].Selected != 5 {
		t.Fatalf("result %+v, want 4, 5 and 12 selected", first)
	}
	checkNested(t, dir, &first, size)

	writeFile(t, filepath.Join(dir, "in"), "sample-0006\n")
	writeFile(t, filepath.Join(dir, "not-in"), "sample-0008\n")
	knobs := []string{
		"--budget", "6", "--include", "in", "--exclude", "not-in", "--unique", "--cap-image", "1", "--drop-sources",
		"source3",
	}
	command := append([]string{"select", "--state", "state", "--json", "--quiet", first.Run}, knobs...)
	chosen := decodeResult(t, mustHarvest(t, dir, command...).stdout)
	ids := pickedIDs(t, filepath.Join(dir, chosen.Outputs.Picks))
	if len(ids) != 6 || ids[0] != "sample-0006" {
		t.Errorf("picks %q, want 6 with sample-0006 first", ids)
	}

	checkExplained(t, dir, first.Run, chosen.Selection, ids[1])

	parquet := slices.Concat(
		[]string{"select", "--scores", "state/runs/" + first.Run + "/scores/*.parquet", "--out", "picks.parquet", "--json"},
		knobs)
	var res fileResult
	decode(t, mustHarvest(t, dir, parquet...).stdout, &res)
	if res.Selected != 6 || res.Samples.In != size || res.Samples.Failed != 1 || res.Samples.Scored != size-1 ||
		res.Outputs.Picks != "picks.parquet" {
		t.Errorf("result %+v", res)
	}
	if diff := cmp.Diff(ids, pickedIDs(t, filepath.Join(dir, "picks.parquet"))); diff != "" {
		t.Errorf("picks (-run +Parquet):\n%s", diff)
	}

	// After an impossible budget no files are left, not even files of the smaller subsets.
	before := readStatus(t, dir, first.Run).Selections
	a := harvest(t, dir, nil, "select", "--state", "state", "--quiet", "--out", "never", "--budget", "7,41", first.Run)
	if _, err := os.Stat(filepath.Join(dir, "never")); a.status != 2 || !strings.Contains(a.stderr, "the most is 40") ||
		err == nil {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
	if diff := cmp.Diff(before, readStatus(t, dir, first.Run).Selections); diff != "" {
		t.Errorf("selections (-before +after):\n%s", diff)
	}
}

func readStatus(t *testing.T, dir, id string) (status subset.RunStatus) {
	t.Helper()
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", id).stdout, &status)
	return status
}

// pickedIDs returns the ids of the picks in a file of picks, in their order.
func pickedIDs(t *testing.T, path string) []string {
	t.Helper()
	data := readFile(t, path)
	picks, err := scores.ReadPicks(strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range picks {
		ids = append(ids, p.ID)
	}
	return ids
}

// TestUniqueAtAnyRangeSize selects one of several equal samples. With every size of ranges it is the same sample.
func TestUniqueAtAnyRangeSize(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	var records strings.Builder
	for i := range 30 {
		question := fmt.Sprintf("Why is it %d? Explain.", i%10)
		records.WriteString(strings.Replace(textOnly(question, "Because it is so."), "{", fmt.Sprintf(`{"n":%d,`, i), 1))
	}
	writeFile(t, filepath.Join(dir, "dataset.jsonl"), records.String())
	var subsets []string
	for _, size := range []string{"16777216", "700"} {
		a := harvest(t, dir, []string{"RANGE_BYTES=" + size}, "curate", "--budget", "1.0", "--unique", "--threshold", "-1",
			"--state", "state", "--out", size, "--json", "dataset.jsonl")
		if res := decodeResult(t, a.stdout); a.status != 0 || res.Selected != 10 {
			t.Errorf("ranges of %s bytes: status %d, %d selected, want 10: %s", size, a.status, res.Selected, a.stderr)
		}
		subsets = append(subsets, readFile(t, filepath.Join(dir, size, "subset.jsonl")))
	}
	if diff := cmp.Diff(subsets[0], subsets[1]); diff != "" {
		t.Errorf("subsets (-one range +many):\n%s", diff)
	}
}
