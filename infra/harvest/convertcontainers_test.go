package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestOutputFormatOfContainers converts a tar and a Parquet file with images into other forms. In JSON forms, records
// name image files next to the subset. Each result is the same dataset, and has the same bytes each time.
func TestOutputFormatOfContainers(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	demo := demoFolder(t)
	curate := func(out, format, manifest string, more ...string) {
		args := []string{"curate", "--budget", "100%", "--no-report", "--state", "state", "--out", out}
		mustHarvest(t, dir, append(append(args, "--output-format", format, manifest), more...)...)
	}
	prompts := func(manifest string) string {
		return mustHarvest(t, dir, "prompts", "--state", "state", manifest).stdout
	}
	mustHarvest(t, dir, "curate", "--budget", "6", "--no-report", "--images", demo, "--state", "state", "--out", "own",
		filepath.Join(demo, "dataset.json"))
	want := mustHarvest(t, dir, "prompts", "--state", "state", "--images", demo, "own/subset.json").stdout
	rated := annotateByScorer(t, dir, 1, "--no-report", "--out", "rated", "--images", demo, "own/subset.json")
	for container, name := range map[string]string{"webdataset": "subset.tar", "parquet": "subset.parquet"} {
		curate(container, container, "own/subset.json", "--images", demo)
		if diff := cmp.Diff(want, prompts(container+"/"+name)); diff != "" {
			t.Errorf("prompts of %s (-JSON +%s):\n%s", name, container, diff)
		}
		got := annotateByScorer(t, dir, 1, "--no-report", "--out", "rated", container+"/"+name)
		if diff := cmp.Diff(rated, got); diff != "" {
			t.Errorf("ratings of %s (-JSON +%s):\n%s", name, container, diff)
		}
		// Package forms tests conversions between all forms.
		formats := map[string][]string{"webdataset": {"llava", "openai", "parquet"}, "parquet": {"swift", "webdataset"}}
		for _, format := range formats[container] {
			subset := map[string]string{"webdataset": "subset.tar", "parquet": "subset.parquet"}[format]
			if subset == "" {
				subset = "subset.json"
			}
			to := container + "-" + format
			curate(to, format, container+"/"+name)
			if diff := cmp.Diff(want, prompts(to+"/"+subset)); diff != "" {
				t.Errorf("prompts of %s (-JSON +%s):\n%s", name, to, diff)
			}
			first := folderContent(t, filepath.Join(dir, to))
			curate(to, format, container+"/"+name)
			if diff := cmp.Diff(first, folderContent(t, filepath.Join(dir, to))); diff != "" {
				t.Errorf("the second conversion to %s gives other files (-first +second):\n%s", to, diff)
			}
		}
	}
	curate("parquet-swift", "parquet", "parquet/subset.parquet")
	if left, err := os.Stat(filepath.Join(dir, "parquet-swift", "images")); err == nil {
		t.Errorf("the images of the earlier subset are left in %s", left.Name())
	}
}

// folderContent returns the subset and the images of an output folder, by their names.
func folderContent(t *testing.T, dir string) map[string]string {
	t.Helper()
	content := map[string]string{}
	for _, pattern := range []string{"subset.*", "images/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			content[strings.TrimPrefix(name, dir)] = readFile(t, name)
		}
	}
	return content
}

// TestOutputFormatParquetRefuses checks that the error names the record, and the field that no column can hold.
func TestOutputFormatParquetRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := `{"id": "%s", "score": %s, "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", ` +
		`"value": "So."}]}` + "\n"
	writeFile(t, filepath.Join(dir, "a.jsonl"), fmt.Sprintf(record, "x", "1")+fmt.Sprintf(record, "y", `"high"`))
	a := harvest(t, dir, nil, "curate", "--budget", "2", "--no-report", "--state", "state", "--out", "out",
		"--output-format", "parquet", "a.jsonl")
	want := "--output-format parquet: 1 of 2 records in the subset would lose content: score: it is text here, " +
		"but a number in an earlier record; a column has one type (a.jsonl: element 2 (line 2), id y); remove the " +
		"flag, or exclude such records with --exclude"
	if a.status != 1 || !strings.Contains(a.stderr, want) {
		t.Errorf("status %d, %q, want %q", a.status, a.stderr, want)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "out")); !os.IsNotExist(err) {
		t.Errorf("left: %v, %v", left, err)
	}
}
