package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestOutputFormat writes a subset in other forms, without loss of content. Each form is the same dataset.
func TestOutputFormat(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	demo := demoFolder(t)
	prompts := map[string]string{}
	for _, format := range []string{"", "llava", "openai", "swift", "sharegpt"} {
		args := []string{
			"curate", "--budget", "50%", "--images", demo, "--state", "state", "--no-report", "--out", "out-" + format,
		}
		if format != "" {
			args = append(args, "--output-format", format)
		}
		mustHarvest(t, dir, append(args, filepath.Join(demo, "dataset.json"))...)
		subset := filepath.Join("out-"+format, "subset.json")
		prompts[format] = mustHarvest(t, dir, "prompts", "--images", demo, "--state", "state", subset).stdout
		planned := mustHarvest(t, dir, "plan", "--images", demo, "--state", "state", subset)
		if mixed := strings.Contains(planned.stderr, "a field with values of two types"); mixed != (format == "") {
			t.Errorf("--output-format %q: fields of two types: %v:\n%s", format, mixed, planned.stderr)
		}
	}
	for format, got := range prompts {
		if diff := cmp.Diff(prompts[""], got); diff != "" {
			t.Errorf("prompts of the subset as %q (-as it is +converted):\n%s", format, diff)
		}
	}
}

func TestOutputFormatRefuses(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	record := `{"id": "x%d", "messages": [{"role": "user", "content": "Why %d?"%s}, ` +
		`{"role": "assistant", "content": "So."}]}` + "\n"
	text, some := "", fmt.Sprintf(record, 0, 0, "")
	for n := range 5 {
		text += fmt.Sprintf(record, n, n, `, "weight": 0`)
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), text)
	writeFile(t, filepath.Join(dir, "b.jsonl"), some+strings.ReplaceAll(text, `"x`, `"y`))
	for _, tc := range []struct {
		format, says string
		status       int
	}{
		{"lava", `--output-format: "lava" is not a form for converted records; did you mean "llava"?`, 2},
		// Nothing is scored if no record can be written.
		{"llava", "harvest: --output-format llava: each valid record (5) would lose content: messages[0].weight: the " +
			"other form has no place for it (5 records, ids x0, x1, x2, …); remove the flag, or change the records", 1},
	} {
		a := harvest(t, dir, nil, "curate", "--budget", "1", "--state", "state", "--out", "new/out", "--output-format",
			tc.format, "a.jsonl")
		if a.status != tc.status || !strings.Contains(a.stderr, tc.says) {
			t.Errorf("--output-format %s: status %d, %q; want %d and %q", tc.format, a.status, a.stderr, tc.status, tc.says)
		}
	}
	// Excluded records are not in the warning.
	for ids, warns := range map[string]string{
		"y0\ny1\ny2\n": "llava: 2 of 3 records would lose", "y0\ny1\ny2\ny3\ny4\n": "",
	} {
		writeFile(t, filepath.Join(dir, "without"), ids)
		a := harvest(t, dir, nil, "curate", "--budget", "1", "--state", "excluded", "--out", "other", "--exclude",
			"without", "--output-format", "llava", "b.jsonl")
		if !strings.Contains(a.stderr, warns) || warns == "" && (a.status != 0 || strings.Contains(a.stderr, "lose")) {
			t.Errorf("without %q: status %d, %q; want the warning %q", ids, a.status, a.stderr, warns)
		}
	}
	a := harvest(t, dir, nil, "curate", "--budget", "100%", "--state", "state", "--out", "new/out", "--output-format",
		"llava", "b.jsonl")
	for _, want := range []string{
		"harvest: warning: --output-format llava: 5 of 6 records would lose content: messages[0].weight: ",
		"harvest: --output-format llava: 5 of 6 records in the subset would lose content: messages[0].weight: the other " +
			"form has no place for it (5 records, ids y0, y1, y2, …); remove the flag, or exclude such records with " +
			"--exclude\n",
	} {
		if a.status != 1 || !strings.Contains(a.stderr, want) || strings.Contains(a.stderr, "scratch") {
			t.Errorf("status %d, %q; want %q and no temporary file", a.status, a.stderr, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("the folder of a refused subset is left: %v", err)
	}
	// Records that already have the form lose no content.
	mustHarvest(t, dir, "curate", "--budget", "100%", "--no-report", "--state", "state", "--out", "new/out",
		"--output-format", "swift", "a.jsonl")
	if got := readFile(t, filepath.Join(dir, "new/out/subset.jsonl")); got != text {
		t.Errorf("the records already had the form, but were changed to %s", got)
	}
}

// A converted record has its id in the run, at every position in the subset.
func TestOutputFormatKeepsIDs(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	text := ""
	for n, id := range []string{`"a"`, `"a"`, `""`, `""`, `null`, `"b"`} {
		text += fmt.Sprintf(`{"id": %s, "messages": [{"role": "user", "content": [{"type": "text", "text": "Why %d?"}]}, `+
			`{"role": "assistant", "content": "So %d."}]}`+"\n", id, n, n)
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), text)
	writeFile(t, filepath.Join(dir, "out.txt"), "a\na.jsonl#3\n")
	curate := []string{
		"curate", "--budget", "100%", "--exclude", "out.txt", "--no-report", "--state", "state", "--out", "out", "a.jsonl",
	}
	check := func(what, written string) {
		t.Helper()
		for _, want := range []string{
			`"id": "a.jsonl#4", `, "Why 3?", `"id": "a.jsonl#5", `, "Why 4?", `"id": "b", `, "Why 5?",
		} {
			_, after, found := strings.Cut(written, want)
			if !found {
				t.Errorf("%s: %s is missing, or not in order: %s", what, want, written)
			}
			written = after
		}
	}
	for _, format := range []string{"llava", "openai", "swift", "sharegpt", "trl", "webdataset"} {
		mustHarvest(t, dir, append(curate, "--output-format", format)...)
		name := "out/subset.jsonl"
		if format == "webdataset" {
			name = "out/subset.tar"
		}
		check(format, readFile(t, filepath.Join(dir, name)))
	}
	mustHarvest(t, dir, "export-subset", "a", "latest", "--for", "trl", "--state", "state", "--out", "exported")
	check("export-subset", readFile(t, filepath.Join(dir, "exported/data.jsonl")))
}

// TestOutputFormatWebDataset writes a subset as a tar with its images. The tar has the same samples, and the same bytes
// each time.
func TestOutputFormatWebDataset(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	demo := demoFolder(t)
	curate := []string{
		"curate", "--budget", "20%", "--no-report", "--images", demo, "--state", "state", "--out", "out",
		filepath.Join(demo, "dataset.json"),
	}
	mustHarvest(t, dir, curate...)
	var records []imagesRecord
	decode(t, readFile(t, filepath.Join(dir, "out", "subset.json")), &records)
	prompts := mustHarvest(t, dir, "prompts", "--images", demo, "--state", "state", "out/subset.json").stdout
	rated := annotateByScorer(t, dir, 1, "--no-report", "--out", "rated", "--images", demo, "out/subset.json")

	mustHarvest(t, dir, append(curate, "--output-format", "webdataset")...)
	subset := readFile(t, filepath.Join(dir, "out", "subset.tar"))
	if left, err := filepath.Glob(filepath.Join(dir, "out", "subset.json")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	checkTarSubset(t, demo, subset, records)
	if diff := cmp.Diff(prompts, mustHarvest(t, dir, "prompts", "--state", "state", "out/subset.tar").stdout); diff != "" {
		t.Errorf("prompts (-JSON +tar):\n%s", diff)
	}
	again := annotateByScorer(t, dir, 1, "--no-report", "--out", "rated", "out/subset.tar")
	if diff := cmp.Diff(rated, again); diff != "" {
		t.Errorf("ratings (-JSON +tar):\n%s", diff)
	}
	mustHarvest(t, dir, append(curate, "--output-format", "webdataset", "--out", "again")...)
	if readFile(t, filepath.Join(dir, "again", "subset.tar")) != subset {
		t.Error("the second command writes another file")
	}
}

// An imagesRecord has the fields of a LLaVA record that name its images.
type imagesRecord struct {
	ID    string
	Image any
}

// names returns the names of the images.
func (r imagesRecord) names() (names []string) {
	switch image := r.Image.(type) {
	case string:
		return []string{image}
	case []any:
		for _, one := range image {
			names = append(names, one.(string))
		}
	}
	return names
}

// checkTarSubset checks that a tar holds records in their order, with their images from a folder.
func checkTarSubset(t *testing.T, folder, subset string, records []imagesRecord) {
	t.Helper()
	var images []string
	number := 0
	for _, m := range runtest.ReadTar(t, []byte(subset)) {
		if !strings.HasSuffix(m.Name, ".json") {
			images = append(images, m.Content)
			continue
		}
		var record struct {
			ID    string
			Image []string
			Names []string `json:"image_names"`
		}
		decode(t, m.Content, &record)
		want := records[number]
		if key := fmt.Sprintf("%09d", number); m.Name != key+".json" || record.ID != want.ID {
			t.Errorf("%s is sample %s, want %s as %s", m.Name, record.ID, want.ID, key)
		}
		if diff := cmp.Diff(want.names(), record.Names); diff != "" || len(images) != len(record.Image) {
			t.Errorf("%s: %d members are images, and %d are named; names (-want +got):\n%s", m.Name, len(images),
				len(record.Image), diff)
		}
		for i, name := range record.Names {
			if images[i] != readFile(t, filepath.Join(folder, name)) {
				t.Errorf("%s: member %d is not %s", m.Name, i, name)
			}
		}
		images = nil
		number++
	}
	if number != len(records) {
		t.Errorf("%d samples, want %d", number, len(records))
	}
}

func TestOutputFormatWebDatasetRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 2, 16)
	turns := `"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}` + "\n"
	writeFile(t, filepath.Join(dir, "names.jsonl"),
		`{"id": "x", "image": "source0/0000.png", "image_names": ["a"], `+turns)
	writeFile(t, filepath.Join(dir, "gone.jsonl"), `{"id": "x", "image": "gone.png", `+turns)
	curate := []string{"curate", "--budget", "1", "--no-report", "--state", "state", "--out", "out"}
	image := readFile(t, filepath.Join(dir, "source0/0000.png"))
	writeFile(t, filepath.Join(dir, "gone.png"), image)
	mustHarvest(t, dir, append(curate, "gone.jsonl")...)
	if err := os.Remove(filepath.Join(dir, "gone.png")); err != nil {
		t.Fatal(err)
	}
	runs, err := os.ReadDir(filepath.Join(dir, "state/runs"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	selectGone := []string{
		"select", "--budget", "1", "--no-report", "--state", "state", "--out", "out", "--output-format", "webdataset",
		runs[0].Name(),
	}
	a := harvest(t, dir, nil, selectGone...)
	if want := "--output-format webdataset: sample x: "; a.status != 1 || !strings.Contains(a.stderr, want) {
		t.Errorf("a missing image: status %d, %q, want %q", a.status, a.stderr, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "subset.jsonl")); err != nil {
		t.Errorf("the earlier subset was deleted: %v", err)
	}
	a = harvest(t, dir, nil, append(curate, "--output-format", "webdataset", "names.jsonl")...)
	if want := "--output-format webdataset: each valid record (1) would lose content: image_names: "; a.status != 1 ||
		!strings.Contains(a.stderr, want) {
		t.Errorf("a record that already has the field: status %d, %q, want %q", a.status, a.stderr, want)
	}
}
