package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// tree returns the content of all files below a folder, by name. The content of a link is its target.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	content := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if target, fault := os.Readlink(path); fault == nil {
			content[name] = "-> " + target
			return err
		}
		content[name] = readFile(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// exported selects from a dataset with licences, and returns a function that exports the selection.
func exported(t *testing.T, dir string) func(trainer string, flags ...string) map[string]string {
	t.Helper()
	newDataset(t, dir, 20, 8)
	mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--out", "out", "--budget", "8", "dataset.json")
	run := filepath.Base(dir)
	return func(trainer string, flags ...string) map[string]string {
		t.Helper()
		args := append([]string{"export-subset", run, "latest", "--state", "state", "--for", trainer}, flags...)
		mustHarvest(t, dir, append(args, "--out", "for-"+trainer)...)
		return tree(t, filepath.Join(dir, "for-"+trainer))
	}
}

// TestExportSubset exports for each trainer. The export has the records of the subset, and only the images of these
// records, each image once. The same command gives the same bytes.
func TestExportSubset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	export := exported(t, dir)
	var records []imagesRecord
	decode(t, readFile(t, filepath.Join(dir, "out", "subset.json")), &records)
	for trainer, want := range map[string]struct {
		files  []string
		images int
	}{
		"llava":         {[]string{"data.json"}, 8},
		"llama-factory": {[]string{"data.json", "dataset_info.json"}, 8},
		"ms-swift":      {[]string{"data.jsonl", "args.yaml"}, 8},
		"trl":           {[]string{"data.jsonl", "load.py"}, 8},
		"hf":            {[]string{"data/train-00000-of-00001.parquet"}, 0},
		"webdataset":    {[]string{"shard-000000.tar", "load.py"}, 0},
	} {
		files := export(trainer)
		for _, name := range append(want.files, "README.md") {
			if files[name] == "" {
				t.Errorf("%s: the file %s is missing", trainer, name)
			}
		}
		images := 0
		for name, content := range files {
			if filepath.Dir(name) == "images" && !strings.HasPrefix(filepath.Base(name), ".") {
				images++
				if !strings.Contains(files[want.files[0]], name) || !strings.HasPrefix(content, "\x89PNG") {
					t.Errorf("%s: %s is named by no record, or is not an image", trainer, name)
				}
			}
		}
		if images != want.images {
			t.Errorf("%s: %d images, want %d", trainer, images, want.images)
		}
		for _, record := range records {
			if trainer != "hf" && !strings.Contains(files[want.files[0]], record.ID) { // Parquet encodes ids
				t.Errorf("%s: record %s is missing", trainer, record.ID)
			}
		}
		if diff := cmp.Diff(files, export(trainer)); diff != "" {
			t.Errorf("%s: a repeated export differs (-first +second):\n%.2000s", trainer, diff)
		}
	}
}

// TestExportSubsetImages exports images as links, as names of the original files, and inside the records.
func TestExportSubsetImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	export := exported(t, dir)
	links := 0
	for name, target := range export("llava", "--images", "link") {
		if file, ok := strings.CutPrefix(target, "-> "); ok {
			links++
			readFile(t, file)
		} else if strings.HasSuffix(name, ".png") {
			t.Errorf("%s is a copy", name)
		}
	}
	if links != 8 {
		t.Errorf("%d links, want 8", links)
	}
	files := export("llava", "--images", "reference")
	var records []imagesRecord
	decode(t, files["data.json"], &records)
	for _, record := range records {
		for _, name := range record.names() {
			if !filepath.IsAbs(name) {
				t.Errorf("%s names %s", record.ID, name)
			}
			readFile(t, name)
		}
	}
	if files := export("trl", "--images", "embed"); files["data.jsonl"] != "" ||
		!strings.Contains(files["data/train-00000-of-00001.parquet"], "messages") {
		t.Errorf("embedded: %d files", len(files))
	}
}

// TestExportSubsetCard checks the licences on the card: licences from a file, licences from records, and unknown
// licences.
func TestExportSubsetCard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines []string
	for i, more := range []string{
		`"source": "a"`, `"source": "a"`, `"source": "b", "license": "MIT"`, `"source": "c|<x>"`,
	} {
		lines = append(lines, fmt.Sprintf(`{"id": "r%d", %s, "conversations": [{"from": "human", "value": "Why?"}, `+
			`{"from": "gpt", "value": "Because %d."}]}`, i, more, i))
	}
	writeFile(t, filepath.Join(dir, "data", "words.jsonl"), strings.Join(lines, "\n")+"\n")
	writeFile(t, filepath.Join(dir, "data", "sources.yaml"), "a: CC BY 4.0\n")
	mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--budget", "4", "data/words.jsonl")
	mustHarvest(t, dir, "export-subset", "words", "latest", "--state", "state", "--for", "llava", "--out", "llava")
	card := readFile(t, filepath.Join(dir, "llava", "README.md"))
	for _, want := range []string{
		"| a | 2 | CC BY 4.0 |", "| b | 1 | MIT |", `| c\|&lt;x&gt; | 1 | not stated |`, "| samples | 4 |",
		"harvest select words-", "--for llava --images copy --out DIR", `"budget": "4"`,
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card has no %q:\n%s", want, card)
		}
	}
}

// TestExportSubsetRefuses checks the errors for a field that a form cannot hold, for an unknown trainer, and for files
// that Harvest did not write.
func TestExportSubsetRefuses(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	record := `{"id": "%s", "score": %s, "messages": [{"role": "user", "content": "Why?"%s}, {"role": "assistant", ` +
		`"content": "So."}]}` + "\n"
	mixed := fmt.Sprintf(record, "x", "1", "") + fmt.Sprintf(record, "y", `"high"`, "")
	writeFile(t, filepath.Join(dir, "mixed.jsonl"), mixed)
	writeFile(t, filepath.Join(dir, "lossy.jsonl"), fmt.Sprintf(record, "x", "1", `, "weight": 0`))
	writeFile(t, filepath.Join(dir, "kinds.jsonl"), fmt.Sprintf(record, "x", "1", "")+`{"id": "y", "prompt": "Why?", `+
		`"completion": "So."}`+"\n")
	for _, name := range []string{"mixed", "lossy", "kinds"} {
		mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--budget", "100%", name+".jsonl")
	}
	writeFile(t, filepath.Join(dir, "mine", "notes.txt"), "mine")
	for _, tc := range []struct {
		run, says string
		flags     []string
		status    int
	}{
		{"mixed", "--for trl: 1 of 2 records in the subset would lose content: score: it is text here", []string{
			"--for", "trl", "--out", "new",
		}, 1},
		{"kinds", "1 of 2 records in the subset would lose content: completion: an earlier record has messages instead, " +
			"and TRL reads only one kind of rows in a file; make a dataset of each kind (kinds.jsonl: element 2 (line 2), id y)",
			[]string{"--for", "trl", "--out", "new"}, 1},
		{"lossy", "messages[0].weight: the other form has no place for it (lossy.jsonl: element 1 (line 1), id x); choose " +
			"another form, or exclude such records with `harvest select --state state --exclude`", []string{
			"--for", "llava", "--out", "new",
		}, 1},
		{"mixed", `--for: "lava" is not a trainer; did you mean "llava"?`, []string{"--for", "lava", "--out", "new"}, 2},
		{"mixed", `--images: "link" is not for hf; give embed`, []string{
			"--for", "hf", "--images", "link", "--out", "new",
		}, 2},
		{"mixed", "--out is missing", []string{"--for", "hf"}, 2},
		{"mixed", "files that harvest did not write (notes.txt)", []string{"--for", "llava", "--out", "mine"}, 2},
		{"mixed", "holds the manifest", []string{"--for", "llava", "--out", "."}, 2},
	} {
		args := append([]string{"export-subset", "--state", "state", tc.run, "latest"}, tc.flags...)
		a := harvest(t, dir, nil, args...)
		if a.status != tc.status || !strings.Contains(a.stderr, tc.says) {
			t.Errorf("%q: status %d, %q; want %d and %q", args, a.status, a.stderr, tc.status, tc.says)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("the folder of a refused export is left: %v", err)
	}
	if files := tree(t, filepath.Join(dir, "mine")); len(files) != 1 {
		t.Errorf("a folder with other files: %v", files)
	}
}

// TestExportSubsetFits writes records whose fields have other types than in a form. In the output, and in the export
// for the trainer, each field has one type, and no field of a turn is lost.
func TestExportSubsetFits(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	const (
		llava = `"conversations": [{"from": "human", "value": "<image>Why %s?"}, ` +
			`{"from": "gpt", "value": "So.", "weight": 1}]}`
		swift = `"messages": [{"role": "user", "content": "<image>Why %s?"}, ` +
			`{"role": "assistant", "content": "So.", "loss": false}]}`
	)
	for _, tc := range []struct {
		format, trainer, keeps string
		records                []string
	}{
		{"trl", "trl", `"completion":[{"role":"assistant","content":[{"type":"text","text":"So."}]`, []string{
			`{"id": "image", "images": ["a.png"], "prompt": "Why?", "completion": "So."}`,
			`{"id": "text", "prompt": "Why not?", "completion": "So."}`,
			`{"id": 7, "prompt": [{"role": "user", "content": "Why 7?"}], ` +
				`"completion": [{"role": "assistant", "content": "So."}]}`,
			`{"images": "a.png", "prompt": [{"role": "user", "content": [{"type": "image"}, ` +
				`{"type": "text", "text": "Why 8?"}]}], "completion": ` +
				`[{"role": "assistant", "content": "So.", "weight": 1}]}`,
		}},
		{"llava", "llava", `"weight":1`, []string{
			`{"id": 7, "image": "a.png", ` + fmt.Sprintf(llava, "1"), `{"image": ["a.png"], ` + fmt.Sprintf(llava, "2"),
		}},
		{"swift", "ms-swift", `"loss":false`, []string{
			`{"images": "a.png", ` + fmt.Sprintf(swift, "1"), `{"id": 7, "images": ["a.png"], ` + fmt.Sprintf(swift, "2"),
		}},
	} {
		dir := t.TempDir()
		newDataset(t, dir, 1, 1)
		writeFile(t, filepath.Join(dir, "a.jsonl"),
			strings.ReplaceAll(strings.Join(tc.records, "\n"), "a.png", "source0/0000.png"))
		mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--threshold", "-1", "--budget", "100%",
			"--output-format", tc.format, "--out", "out", "a.jsonl")
		mustHarvest(t, dir, "export-subset", "--state", "state", "a", "latest", "--for", tc.trainer, "--out", "new")
		exported := "new/data.jsonl"
		if tc.trainer == "llava" {
			exported = "new/data.json"
		}
		for _, name := range []string{"out/subset.jsonl", exported} {
			written := strings.ReplaceAll(readFile(t, filepath.Join(dir, name)), `": `, `":`)
			if n := strings.Count(written, tc.keeps); n != len(tc.records) {
				t.Errorf("%s: %s has %s %d times, want %d: %s", tc.format, name, tc.keeps, n, len(tc.records), written)
			}
		}
	}
}

// TestExportSubsetReplaced exports after images were replaced. The command and the card report this.
func TestExportSubsetReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exported(t, dir)("llava")
	if card := readFile(t, filepath.Join(dir, "for-llava", export.CardFile)); strings.Contains(card, "changed since") {
		t.Errorf("without changes the card says\n%s", card)
	}
	for i := range 20 { // including images of samples that are not selected
		writePNG(t, filepath.Join(dir, fmt.Sprintf("source%d/%04d.png", i%4, i)), 24, rand.New(rand.NewPCG(7, 8)))
	}
	a := mustHarvest(t, dir, "export-subset", filepath.Base(dir), "latest", "--state", "state", "--for", "llava",
		"--out", "for-llava")
	card := readFile(t, filepath.Join(dir, "for-llava", export.CardFile))
	want := "warning: 8 samples of 8 in this export have an image that has changed"
	if !strings.Contains(a.stderr, want) ||
		!strings.Contains(a.stderr, "such as source") ||
		!strings.Contains(card, "changed since they were rated | 8, such as source") {
		t.Errorf("want %q: %s\n%s", want, a.stderr, card)
	}
}

// TestExportSubsetKilled kills the command at several moments. The same command completes the folder.
func TestExportSubsetKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := exported(t, dir)("llava")
	args := []string{
		"export-subset", filepath.Base(dir), "latest", "--state", "state", "--for", "llava", "--out", "killed",
	}
	for after := range 5 {
		cmd := program(t, dir, nil, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(after*after) * 4 * time.Millisecond)
		_ = cmd.Process.Kill() // the command may have ended already
		_ = cmd.Wait()
	}
	mustHarvest(t, dir, args...)
	if diff := cmp.Diff(want, tree(t, filepath.Join(dir, "killed"))); diff != "" {
		t.Errorf("completed (-whole +killed):\n%.2000s", diff)
	}
}

// TestServeExports uploads a dataset whose dataset.yaml requests an export. The export is written next to the subset,
// and a training gets a separate export.
func TestServeExports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"),
		"manifests: [all.json]\nbudget: 4\nexport: {for: llama-factory, licences: {source1: MIT}}\n")
	s := servingWith(t, dir, nil, "--out", "out", "--on-selection",
		`ls "$HARVEST_TRAINER_FOLDER" > "listed.$HARVEST_TRAINER"`)
	until(t, "the training", func() bool { return jobFile(t, dir, "done") })
	folder := filepath.Join(dir, "out", "small", "llama-factory")
	until(t, "the export", func() bool {
		there, err := filepath.Glob(filepath.Join(folder, exportMarkFile))
		return err == nil && len(there) == 1
	})
	var made []events.SelectionExportedEvent
	ids := map[string]bool{}
	until(t, "the events", func() bool {
		made = nil
		for line := range strings.Lines(s.events.String()) {
			var event struct {
				ID, Type string
				Data     events.SelectionExportedEvent
			}
			if json.Unmarshal([]byte(line), &event) == nil && event.Type == events.CloudEventType(events.SelectionExported) {
				made, ids[event.ID] = append(made, event.Data), true
			}
		}
		return len(made) == 2
	})
	s.stop(t)
	if len(ids) != 2 {
		t.Errorf("two exports have the ids %v", ids)
	}
	files := tree(t, folder)
	if files["data.json"] == "" || files["dataset_info.json"] == "" {
		t.Errorf("%d files", len(files))
	}
	for _, event := range made {
		if event.For != export.LLaMAFactory || !cmp.Equal(tree(t, event.Folder), files) {
			t.Errorf("event %+v", event)
		}
	}
	if got := lines(t, filepath.Join(dir, "listed.llama-factory")); len(got) != 4 {
		t.Errorf("the training had %v", got)
	}
}

// A lossyTopic loses the first publication.
type lossyTopic struct {
	calls     int
	published []events.Message
}

func (p *lossyTopic) Publish(_ context.Context, messages ...events.Message) error {
	if p.calls++; p.calls == 1 {
		return errors.New("the topic is away")
	}
	p.published = append(p.published, messages...)
	return nil
}

// TestExportEvent ends serve between an export and its event. The next serve publishes the event, once the export is
// complete.
func TestExportEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exported(t, dir)
	_, work, err := openState(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		t.Fatal(err)
	}
	plan, sel, err := findCompleted(t.Context(), runs, subsets, "", filepath.Base(dir), "latest")
	if err != nil {
		t.Fatal(err)
	}
	input, err := bucket.NewView(map[string]bucket.Content{plan.Images: bucket.AtFolder(dir)})
	if err != nil {
		t.Fatal(err)
	}
	topic := &lossyTopic{}
	feed, err := events.NewFeed(topic, events.Origin{Source: "/s", Input: "file:///i", Work: "file:///w"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	x := &exporter{
		input: input, work: work, memory: memorytest.Budget(t), events: feed, log: slog.New(slog.DiscardHandler),
		runs: runs, subsets: subsets,
	}
	request, err := export.Request{For: export.LLaMAFactory}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	write := func() error {
		return x.write(t.Context(), request, sel, filepath.Join(dir, "given"), filepath.Join(dir, "state"))
	}
	if err := write(); err == nil {
		t.Fatal("the event was not published, and there was no error")
	}
	for range 2 {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if len(topic.published) != 1 {
			t.Errorf("%d events", len(topic.published))
		}
	}
}

// TestReplaceExport writes selections to folders with exports. The folders then have no mark of a complete export. Then
// it writes an export over a selection. The commands say what they replace.
func TestReplaceExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	export := exported(t, dir)
	writeIDs(t, filepath.Join(dir, "all.txt"), 20)
	for trainer, budget := range map[string]string{"llava": "4", "trl": "2,4"} {
		export(trainer)
		out := filepath.Join(dir, "for-"+trainer)
		if _, err := os.Stat(filepath.Join(out, exportMarkFile)); err != nil {
			t.Fatal(err)
		}
		before := tree(t, out)
		failed := harvest(t, dir, nil, "select", filepath.Base(dir), "--state", "state", "--out", out, "--budget", budget[:1],
			"--exclude", "all.txt")
		says(t, failed.stderr, "the export of an earlier command stays in "+out)
		after := tree(t, out)
		for _, name := range []string{failedFile, ownFile} {
			delete(before, name)
			delete(after, name)
		}
		if diff := cmp.Diff(before, after); failed.status != 1 || diff != "" {
			t.Errorf("a failed selection: status %d, export (-before +after):\n%s", failed.status, diff)
		}
		export := []string{"export-subset", filepath.Base(dir), "latest", "--state", "state", "--for", trainer, "--out"}
		says(t, harvest(t, dir, nil, append(export, "none")...).stderr, "has no subset, because it failed: ")
		said := mustHarvest(t, dir, "select", filepath.Base(dir), "--state", "state", "--no-report", "--out", out,
			"--budget", budget).stderr
		if _, err := os.Stat(filepath.Join(out, exportMarkFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the mark of the export stays: %v", trainer, err)
		}
		says(t, said, "harvest: the selection replaces the export in "+out)
		says(t, mustHarvest(t, dir, append(export, out)...).stderr, "harvest: the export replaces the selection in "+out)
	}
}

// TestRemoveExport removes only a part of an export, as after a kill. Then the folder has no mark of a complete export.
func TestRemoveExport(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "export")
	for _, name := range []string{exportMarkFile, export.CardFile, "data.json", "images/.harvest/in the way"} {
		writeFile(t, filepath.Join(dir, name), "{}")
	}
	if err := announce(dir, []string{export.CardFile, "data.json", "images"}); err != nil {
		t.Fatal(err)
	}
	if err := removeOwn(t.Context(), dir, io.Discard); err == nil {
		t.Error("the images are removed although their list cannot be read")
	}
	for _, name := range []string{exportMarkFile, export.CardFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}
