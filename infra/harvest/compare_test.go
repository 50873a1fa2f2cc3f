package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestCompare compares selections of a run with each other and with a file of ids.
func TestCompare(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 24, 8)
	first := curateJSON(t, dir, "--state", "state", "--budget", "8", "dataset.json")
	var other result
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "8", "--strategy", "random", "--json",
		first.Run).stdout, &other)
	printed := mustHarvest(t, dir, "compare", "--state", "state", first.Run, first.Selection, other.Selection).stdout
	for _, words := range []string{
		"in both", "came in", "went out", "picked for", "only in A, the first ids:\n  sample-",
	} {
		if !strings.Contains(printed, words) {
			t.Errorf("%q is not printed: %s", words, printed)
		}
	}
	writeFile(t, filepath.Join(dir, "ids.txt"), "sample-0001\nsample-0002\n")
	var compared subset.Comparison
	decode(t, mustHarvest(t, dir, "compare", "--state", "state", "--json", "--ids", "ids.txt", first.Run,
		first.Selection).stdout, &compared)
	if compared.A != 8 || compared.B != 2 || compared.Both+len(compared.In) != 2 {
		t.Errorf("compared %+v", compared)
	}
	for _, args := range [][]string{
		{}, {first.Run}, {first.Run, "--other-run", first.Run}, {first.Run, first.Selection}, {first.Run, "zz", "zz"},
		{first.Run, first.Selection, other.Selection, "--ids", "ids.txt"}, {first.Run, "a", "b", "c"},
	} {
		a := harvest(t, dir, nil, append([]string{"compare", "--state", "state"}, args...)...)
		if a.status != 2 {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}

// TestCompareColumns compares external columns, in the table and in the page of a comparison.
func TestCompareColumns(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	var lines, numbers strings.Builder
	numbers.WriteString("id,relevance\n")
	for i := range 12 {
		fmt.Fprintf(&lines, `{"id": "s%d", "level": %d, "conversations": [{"from": "human", "value": "What is %d?"}, `+
			`{"from": "gpt", "value": "A number."}]}`+"\n", i, i, i)
		fmt.Fprintf(&numbers, "s%d,%d\n", i, 100-i)
	}
	writeFile(t, filepath.Join(dir, "all.jsonl"), lines.String())
	writeFile(t, filepath.Join(dir, "n.csv"), numbers.String())
	a := curateJSON(t, dir, "--state", "state", "--budget", "4", "--strategy", "top", "--by", "relevance",
		"--scores-from", "n.csv", "all.jsonl")
	var b result
	decode(t, mustHarvest(t, dir, "select", "--state", "state", "--budget", "4", "--strategy", "top", "--by", "level",
		"--json", a.Run).stdout, &b)
	printed := mustHarvest(t, dir, "compare", "--state", "state", "--report", a.Run, a.Selection, b.Selection).stdout
	row := regexp.MustCompile(`relevance\W+98\.5\W+98\.5\W+100\.0 %\W+90\.5\W+90\.5`)
	if !row.MatchString(printed) || !strings.Contains(printed, "level") {
		t.Errorf("printed:\n%s", printed)
	}
	says(t, readFile(t, filepath.Join(dir, comparedFile)), "Which external numbers are higher",
		"with a mean of 98.5 in A and of 90.5 in B")
}

// TestCompareReport shows two selections side by side in a page, with pictures of the samples that only one selection
// has.
func TestCompareReport(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 40, 32)
	a := curateJSON(t, dir, "--budget", "25%", "--state", "state", "--out", "out", "dataset.json")
	mustHarvest(t, dir, "select", "--state", "state", "--budget", "10", "--strategy", "random", "--out", "b", a.Run)
	list := mustHarvest(t, dir, "select", "--state", "state", "--budget", "10", "--strategy", "random", "--out", "b",
		"--json", a.Run)
	var b result
	decode(t, list.stdout, &b)
	mustHarvest(t, dir, "compare", "--state", "state", a.Run, a.Selection, b.Selection, "--report")
	page := readFile(t, filepath.Join(dir, comparedFile))
	says(t, page, "two selections", "data:image/jpeg;base64,", a.Selection,
		b.Selection+", budget 10 samples, strategy random", "in A alone", "Which sources gain")
	if strings.Contains(page, "Make the selection again") || strings.Contains(page, `id="problems"`) {
		t.Error("the page has parts of a report of one selection")
	}
	mustHarvest(t, dir, "compare", "--state", "state", a.Run, a.Selection, b.Selection, "--report=again.html")
	if readFile(t, filepath.Join(dir, "again.html")) != page {
		t.Error("the same selections give another page")
	}
	// The page can be replaced, and it does not prevent a selection in its folder.
	for range 2 {
		mustHarvest(t, dir, "compare", "--state", "state", a.Run, a.Selection, b.Selection, "--report=b/page.html")
	}
	mustHarvest(t, dir, "select", "--state", "state", "--budget", "5", "--out", "b", a.Run)
	readFile(t, filepath.Join(dir, "b", "page.html"))
	if one := harvest(t, dir, nil, "compare", "--state", "state", a.Run, "--report"); one.status != 2 {
		t.Errorf("--report without selections: status %d, %s", one.status, one.stderr)
	}
}
