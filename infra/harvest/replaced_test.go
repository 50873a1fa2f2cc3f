package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// filesOf returns the names of the files in a folder, without the file .harvest.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != ownFile {
			names = append(names, entry.Name())
		}
	}
	return names
}

// TestOutputFolderOfAnother writes selections of datasets in different formats, and of recipes, into one folder. The
// folder then has all files of the last selection, and no other files.
func TestOutputFolderOfAnother(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	record := func(id string) string {
		return `{"id": "` + id + `", "conversations": [{"from": "human", "value": "What is ` + id + `?"}, ` +
			`{"from": "gpt", "value": "It is ` + id + `."}]}`
	}
	writeFile(t, filepath.Join(dir, "a.json"), "["+record("a1")+","+record("a2")+"]")
	writeFile(t, filepath.Join(dir, "b.jsonl"), record("b1")+"\n"+record("b2")+"\n"+record("b3")+"\n")
	writeFile(t, filepath.Join(dir, "meta.json"), `{"one": {"root": ".", "annotation": "b.jsonl", "repeat_time": 1}}`)
	writeFile(t, filepath.Join(dir, "mix.yaml"), "datasets:\n  - json_path: a.json\n    sampling_strategy: all\n"+
		"  - json_path: b.jsonl\n    sampling_strategy: first:2\n")
	for i, manifest := range []string{
		"a.json", "b.jsonl", "a.json", "meta.json", "mix.yaml", "a.json", "mix.yaml", "meta.json", "b.jsonl",
	} {
		got := curateJSON(t, dir, "--state", "state", "--out", "out", "--budget", "100%", manifest)
		var written writtenSelection
		decode(t, readFile(t, filepath.Join(dir, "out", selectionFile)), &written)
		files := filesOf(t, filepath.Join(dir, "out"))
		slices.Sort(written.Files)
		if !slices.Equal(files, written.Files) || written.ID != got.Selection {
			t.Errorf("%d, %s: the folder holds %q, selection.json of %s names %q", i, manifest, files, written.ID, written.Files)
		}
		for _, path := range []string{got.Outputs.Subset, got.Outputs.Rejected, got.Outputs.Picks, got.Outputs.Report} {
			if !slices.Contains(files, filepath.Base(path)) {
				t.Errorf("%d, %s: the file %s is missing", i, manifest, path)
			}
		}
		first := map[string]string{"a.json": "a1", "b.jsonl": "b1", "meta.json": "b1", "mix.yaml": "a1"}[manifest]
		if subset := readFile(t, filepath.Join(dir, got.Outputs.Subset)); !strings.Contains(subset, record(first)) {
			t.Errorf("%d, %s: the subset is\n%s", i, manifest, subset)
		}
	}
}

// TestRefusedConversionKeepsFolder tries a conversion that fails. The files of an earlier command stay unchanged.
func TestRefusedConversionKeepsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := func(more string) string {
		return `[{"id": "x", "messages": [{"role": "user", "content": "Why?"` + more + `}, ` +
			`{"role": "assistant", "content": "So."}]}]`
	}
	curate := []string{"curate", "--budget", "1", "--state", "state", "--out", "out", "--output-format", "llava", "a.json"}
	writeFile(t, filepath.Join(dir, "a.json"), record(""))
	mustHarvest(t, dir, curate...)
	before := map[string]string{}
	for _, name := range filesOf(t, filepath.Join(dir, "out")) {
		before[name] = readFile(t, filepath.Join(dir, "out", name))
	}
	writeFile(t, filepath.Join(dir, "a.json"), record(`, "weight": 0`))
	if a := harvest(t, dir, nil, curate...); a.status != 1 || !strings.Contains(a.stderr, "messages[0].weight") {
		t.Fatalf("status %d, %s", a.status, a.stderr)
	}
	for name, content := range before {
		if readFile(t, filepath.Join(dir, "out", name)) != content {
			t.Errorf("%s has changed", name)
		}
	}
	if files := filesOf(t, filepath.Join(dir, "out")); len(files) != len(before) {
		t.Errorf("the folder holds %q", files)
	}
}
