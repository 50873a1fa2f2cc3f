package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// recordLines returns n lines of records about an image. The ids begin with prefix.
func recordLines(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id": "%s%d", "image": "p.png", "conversations": [{"from": "human", "value": `+
			`"<image>\nWhat is %d?"}, {"from": "gpt", "value": "It is %d."}]}`+"\n", prefix, i, i, i)
	}
	return b.String()
}

// recipeFolder returns a folder with two manifests, an image, and recipes that list the manifests.
func recipeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	picture := readFile(t, "../../testdata/demo/formulas/0012.png")
	writeFile(t, filepath.Join(dir, "data", "p.png"), picture)
	writeFile(t, filepath.Join(dir, "data", "one.jsonl"), recordLines("a", 6))
	writeFile(t, filepath.Join(dir, "data", "two.jsonl"), recordLines("b", 6))
	writeFile(t, filepath.Join(dir, "meta.json"), `{
		"one": {"root": "data", "annotation": "data/one.jsonl", "repeat_time": 2, "length": 6},
		"two": {"root": "data", "annotation": "data/two.jsonl", "repeat_time": 1}}`)
	writeFile(t, filepath.Join(dir, "data", "dataset_info.json"), `{
		"one": {"file_name": "one.jsonl", "formatting": "sharegpt", "columns": {"images": "image"}},
		"two": {"file_name": "two.jsonl", "formatting": "sharegpt", "columns": {"images": "image"}}}`)
	writeFile(t, filepath.Join(dir, "mix.yaml"), "datasets:\n"+
		"- {json_path: data/one.jsonl, sampling_strategy: \"end:2\"}\n"+
		"- {json_path: data/two.jsonl, sampling_strategy: \"first:50%\"}\n")
	writeFile(t, filepath.Join(dir, "dataset.yaml"), "manifests: [\"data/{one,two}.jsonl\"]\nimages: data\n")
	return dir
}

// The subset of a recipe is a recipe of the same kind, which gives the same subset again.
func TestRecipes(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	for name, tc := range map[string]struct {
		file, images string
		samples      int64
	}{
		"InternVL":      {"meta.json", "", 12},
		"LLaMA-Factory": {"data/dataset_info.json", "", 12},
		"OneVision":     {"mix.yaml", "data", 5},
		"dataset.yaml":  {"dataset.yaml", "", 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := recipeFolder(t)
			args := []string{"curate", "--json", "--budget", "4", "--state", "state", "--out", "out", tc.file}
			if tc.images != "" {
				args = append(args, "--images", tc.images)
			}
			var first, second result
			unmarshal(t, mustHarvest(t, dir, args...).stdout, &first)
			if first.Samples.In != tc.samples || first.Selected != 4 {
				t.Fatalf("%d samples, %d selected; want %d and 4", first.Samples.In, first.Selected, tc.samples)
			}
			again := filepath.Join("out", filepath.Base(tc.file))
			images := "data"
			if tc.file == "meta.json" || tc.file == "dataset.yaml" {
				copyFolder(t, filepath.Join(dir, "data"), filepath.Join(dir, "out", "data"))
				images = "out"
			}
			unmarshal(t, mustHarvest(t, dir, "curate", "--json", "--budget", "4", "--state", "state", "--out", "again",
				"--images", images, again).stdout, &second)
			if second.Samples.In != 4 {
				t.Errorf("the subset's recipe lists %d samples, want 4", second.Samples.In)
			}
			want := readFile(t, filepath.Join(dir, "out", "subset.jsonl"))
			got := readFile(t, filepath.Join(dir, "again", "subset.jsonl"))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("subset of the subset (-want +got):\n%s", diff)
			}
		})
	}
}

func unmarshal(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// Of a mix, the listed records are read, and a repeat_time is reported.
func TestRecipesSayWhatIsTaken(t *testing.T) {
	t.Parallel()
	dir := recipeFolder(t)
	prompts := mustHarvest(t, dir, "prompts", "--state", "state", "--images", "data", "mix.yaml").stdout
	var ids []string
	for line := range strings.Lines(prompts) {
		var one samplePrompts
		unmarshal(t, line, &one)
		ids = append(ids, one.ID)
	}
	if want := []string{"a4", "a5", "b0", "b1", "b2"}; !slices.Equal(ids, want) {
		t.Errorf("samples %v, want %v", ids, want)
	}
	want := `harvest: entry "one": repeat_time makes a trainer repeat the records 2 times`
	if noted := mustHarvest(t, dir, "plan", "--state", "state", "meta.json").stderr; !strings.Contains(noted, want) {
		t.Errorf("plan says %q, want %q", noted, want)
	}
}

// If files of a numbered series are missing, the error names these files, for a folder and for a pattern.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "data", "p.png"), readFile(t, "../../testdata/demo/formulas/0012.png"))
	for _, number := range []string{"0", "1", "3"} {
		writeFile(t, filepath.Join(dir, "data", "train-0000"+number+"-of-00004.jsonl"), recordLines("a"+number, 2))
	}
	want := "harvest: warning: train-00002-of-00004.jsonl is missing: the names state 4 files, but 3 are given"
	for _, named := range []string{"data", "data/train-*.jsonl", "data/train-0000{0,1,3}-of-00004.jsonl"} {
		noted := mustHarvest(t, dir, "plan", "--state", "state", "--images", "data", "--json", named)
		if !strings.Contains(noted.stderr, want) || !strings.Contains(noted.stdout, "train-00002-of-00004.jsonl is missing") {
			t.Errorf("%s: plan says %q and %q, want %q", named, noted.stderr, noted.stdout, want)
		}
	}
}

// The standard input is copied to the state folder, because a manifest is read more than once.
func TestStandardInput(t *testing.T) {
	t.Parallel()
	dir := recipeFolder(t)
	cmd := program(t, dir, nil,
		"curate", "--json", "--budget", "2", "--images", "data", "--state", "state", "--out", "out", "-")
	cmd.Stdin = strings.NewReader(recordLines("a", 6))
	printed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var curated result
	unmarshal(t, string(printed), &curated)
	if curated.Samples.Scored != 6 || curated.Selected != 2 || !strings.HasPrefix(curated.Run, "stdin-") {
		t.Errorf("run %s with %d samples scored, %d selected; want stdin-…, 6 and 2",
			curated.Run, curated.Samples.Scored, curated.Selected)
	}
}

// Image names in records of the standard input are relative to the current folder.
func TestStandardInputImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 4, 8)
	cmd := program(t, dir, nil, "plan", "--json", "--state", "state", "-")
	cmd.Stdin = strings.NewReader(readFile(t, filepath.Join(dir, "dataset.json")))
	printed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var report api.PlanReport
	unmarshal(t, string(printed), &report)
	if report.ImagesFound != 4 || report.ImagesMissing != 0 {
		t.Errorf("%d images found and %d missing, want 4 found", report.ImagesFound, report.ImagesMissing)
	}
	twice := harvest(t, dir, nil, "plan", "--state", "state", "-", "dataset.json", "-")
	if twice.status != 2 {
		t.Errorf("the standard input twice: status %d", twice.status)
	}
	says(t, twice.stderr, "manifest -: it is named twice; the standard input can be read once")
}

// Datasets can also be named by folders and patterns.
func TestSources(t *testing.T) {
	t.Parallel()
	dir := recipeFolder(t)
	if err := os.Remove(filepath.Join(dir, "data", "dataset_info.json")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"data"}, {"data/*.jsonl"}, {"data/{one,two}.jsonl"}, {"data/one.jsonl", "data/two.jsonl"},
	} {
		var report api.PlanReport
		unmarshal(t, mustHarvest(t, dir, append([]string{"plan", "--json", "--state", "state"}, args...)...).stdout, &report)
		if report.Samples != 12 || report.Valid != 12 {
			t.Errorf("%v: %d samples, %d valid; want 12", args, report.Samples, report.Valid)
		}
	}
	// The names of folders have no special characters. If they had, another folder's file would be read.
	for _, folder := range []string{"v{1,2}", "v1", "v2", "g[x]"} {
		writeFile(t, filepath.Join(dir, folder, folder+".jsonl"), readFile(t, filepath.Join(dir, "data", "one.jsonl")))
		writeFile(t, filepath.Join(dir, folder, "mix.yaml"),
			"datasets:\n  - json_path: \"*.jsonl\"\n    sampling_strategy: all\n")
	}
	for arg, name := range map[string]string{
		"v{1,2}/mix.yaml": "v{1,2}.jsonl", "g[x]/mix.yaml": "g[x].jsonl", "v{1,2}/*.jsonl": "v{1,2}.jsonl",
		"g[x]/{g,g}*.jsonl": "g[x].jsonl",
	} {
		a := harvest(t, dir, nil, "plan", "--json", "--state", "state", "--images", "data", arg)
		if !strings.Contains(a.stdout+a.stderr, name) {
			t.Errorf("plan %s: status %d, %s%s", arg, a.status, a.stdout, a.stderr)
		}
	}
	for _, tc := range []struct{ arg, says string }{
		{"data/*.csv", "manifest data/*.csv: there is no file data/*.csv"},
		{"data/{one,three}.jsonl", "there is no file data/three.jsonl"},
		{".", "manifest .: the folder has meta.json, a meta file of InternVL; name this file"},
		{"nothing.json", "manifest nothing.json: there is no such file"},
		{"gs://bucket", "it has no bucket or no object"},
	} {
		a := harvest(t, dir, nil, "plan", "--state", "state", tc.arg)
		if a.status != 2 || !strings.Contains(a.stderr, tc.says) {
			t.Errorf("plan %s: status %d, %q; want 2 and %q", tc.arg, a.status, a.stderr, tc.says)
		}
	}
}

// TestPartFile checks the names of files for entries of a recipe that have unusual names.
func TestPartFile(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"llava_v1": "part-3-llava_v1.json", "": "part-3.json", "???": "part-3.json", "a/b c": "part-3-a-b-c.json",
		"数据": "part-3-数据.json", "..": "part-3.json", "\xff": "part-3.json",
		strings.Repeat("数", 100): "part-3-" + strings.Repeat("数", 40) + ".json",
	} {
		if got := partFile(3, entry, ".json"); got != want {
			t.Errorf("%q: %q, want %q", entry, got, want)
		}
	}
}
