package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
)

// annotateForExport writes more.jsonl with samples that cannot be exported, and annotations of more.jsonl and
// dataset.json.
func annotateForExport(t *testing.T, dir string) {
	t.Helper()
	image, err := os.ReadFile(filepath.Join(dir, "source0/0000.png"))
	if err != nil {
		t.Fatal(err)
	}
	ask := `"conversations":[{"from":"human","value":"<image>\nIs a < b?"},{"from":"gpt","value":"Yes"}]}` + "\n"
	writeFile(t, filepath.Join(dir, "more.jsonl"), textOnly("Why is it so", "Because.")+
		`{"id":"embedded","image":"data:image/png;base64,`+base64.StdEncoding.EncodeToString(image)+`",`+ask+
		`{"id":"lost","image":"lost.png",`+ask+`{"id":"far","image":"gs://far/away.png",`+ask+`{"id":"broken",`+
		`"image":"dataset.json",`+ask+
		`{"id":"faulty","conversations":[]}`+"\n")
	rub := rubric.Default()
	var annotations []annotation.Annotation
	for i, id := range strings.Fields("sample-0000 sample-0001 sample-0002 sample-0003 sample-0004 sample-0005 " +
		"sample-0006 sample-0007 more.jsonl#1 embedded lost far broken faulty gone") {
		a := annotation.Annotation{ID: id, Scores: make([]int8, 14), Styles: rub.Styles[:i%3]}
		for c := range a.Scores {
			if a.Scores[c] = int8((i+c)%7 - 1); a.Scores[c] < 0 {
				a.Scores[c] = scorer.Missing
			}
		}
		annotations = append(annotations, a)
	}
	writeAnnotations(t, filepath.Join(dir, "annotations.jsonl"), annotations)
}

// exportedItems returns the items of all files of the folder out, by their ids.
func exportedItems(t *testing.T, dir string, files []finetuning.File) map[string]finetuning.Item {
	t.Helper()
	items := map[string]finetuning.Item{}
	sides := map[string]string{} // side of each image
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(dir, "out", file.Name))
		if err != nil {
			t.Fatal(err)
		}
		var list []finetuning.Item
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if len(list) != file.Items {
			t.Errorf("%s has %d items, and %d are reported", file.Name, len(list), file.Items)
		}
		side := strings.TrimPrefix(strings.TrimPrefix(file.Name, "scorer"), "styler")
		for _, item := range list {
			items[item.ID] = item
			if marks := strings.Count(item.Conversations[0].Value, "<image>"); marks != len(item.Image) {
				t.Errorf("%s: %d marks for images %v", item.ID, marks, item.Image)
			}
			for _, name := range item.Image {
				if _, err := os.Stat(filepath.Join(dir, "out", name)); err != nil {
					t.Error(err)
				}
				if before, seen := sides[name]; seen && before != side {
					t.Errorf("%s is used for training and for validation", name)
				}
				sides[name] = side
			}
		}
	}
	return items
}

// checkItem checks an item, and that an image has one name, whether it is a file or embedded.
func checkItem(t *testing.T, items map[string]finetuning.Item) {
	t.Helper()
	// The same image has one name, whether it is a file or embedded.
	a := items["sample-0000/attribute identification"].Image
	if b := items["embedded/attribute identification"].Image; len(a) != 1 || !cmp.Equal(a, b) {
		t.Errorf("one image has the names %v and %v", a, b)
	}
	got := items["embedded/attribute identification"]
	got.Image = nil
	exchange := [2]finetuning.Turn{
		{
			From:  "human",
			Value: "Question: <image>\nIs a < b? Answer: Yes" + scorerQuestion + "attribute identification?",
		},
		{From: "gpt", Value: "2"},
	}
	item := finetuning.Item{ID: "embedded/attribute identification", Conversations: exchange}
	if diff := cmp.Diff(item, got); diff != "" {
		t.Errorf("an item (-want +got):\n%s", diff)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 40, 16)
	annotateForExport(t, dir)
	a := mustHarvest(t, dir, "export", "--json", "--annotations", "annotations.jsonl", "--out", "out", "dataset.json",
		"more.jsonl")
	var report exportReport
	if err := json.Unmarshal([]byte(a.stdout), &report); err != nil {
		t.Fatal(err)
	}
	want := exportReport{
		Annotations: 15, Samples: 10, Absent: []string{"gone"}, Images: 8,
		Failed: map[reason.Code]int{"image_not_found": 2, "image_format_unknown": 1, "no_conversation": 1},
		Files: []finetuning.File{
			{Name: finetuning.ScorerTrain, Samples: 9, Items: 9 * 12},
			{Name: finetuning.ScorerValidation, Samples: 1, Items: 12},
			{Name: finetuning.StylerTrain, Samples: 5, Items: 5},
			{Name: finetuning.StylerValidation, Samples: 1, Items: 1},
		},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("reported (-want +got):\n%s", diff)
	}

	items := exportedItems(t, dir, report.Files)
	if len(items) != 10*12+6 {
		t.Errorf("%d different items, want %d", len(items), 10*12+6)
	}
	checkItem(t, items)

	// The same command gives the same bytes, and another seed gives another split.
	mustHarvest(t, dir, "export", "--annotations", "annotations.jsonl", "--out", "again", "dataset.json", "more.jsonl")
	mustHarvest(t, dir, "export", "--seed", "5", "--annotations", "annotations.jsonl", "--out", "other", "dataset.json",
		"more.jsonl")
	if !cmp.Equal(readFolder(t, filepath.Join(dir, "out")), readFolder(t, filepath.Join(dir, "again"))) {
		t.Error("exported again, the files differ")
	}
	if cmp.Equal(readFolder(t, filepath.Join(dir, "out")), readFolder(t, filepath.Join(dir, "other"))) {
		t.Error("exported with another seed, the files are the same")
	}
}

// readFolder reads the files directly in a folder.
func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	content := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		content[filepath.Base(name)] = string(data)
	}
	return content
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "d.jsonl"),
		`{"id":"a","image":"gone.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt",`+
			`"value":"That"}]}`+"\n")
	writeFile(t, filepath.Join(dir, "a.jsonl"),
		`{"id":"a","scores":[`+strings.Repeat(",1", 14)[1:]+`],"styles":["yes/no"]}`+"\n")
	writeFile(t, filepath.Join(dir, "word.jsonl"), `{"id":"a","messages":[{"role":"user","content":[`+
		`{"type":"image","image":"a.png"},{"type":"text","text":"Is <image> a tag?"}]},{"role":"assistant",`+
		`"content":"No"}]}`+"\n")
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"--annotations a.jsonl d.jsonl", 2, "--out is missing"},
		{"--out o d.jsonl", 2, "--annotations is missing"},
		{"--out o --annotations a.jsonl", 2, "name at least one manifest"},
		{"--out o --annotations a.jsonl d.jsonl", 1,
			"none of the annotated samples (1) can be exported: image not found (1)"},
		{"--out o --annotations a.jsonl word.jsonl", 1,
			"none of the annotated samples (1) can be exported: image count (1)"},
	} {
		a := harvest(t, dir, nil, append([]string{"export"}, strings.Fields(tt.args)...)...)
		if a.status != tt.status || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("export %s: status %d, %s; want %d, %s", tt.args, a.status, a.stderr, tt.status, tt.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "o")); err == nil {
		t.Error("a folder was made although nothing was exported")
	}
}

// TestExportKeepsFiles exports into a folder that has a file with the name of an output. Harvest did not write this
// file.
func TestExportKeepsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	annotateForExport(t, dir)
	args := []string{"export", "--annotations", "annotations.jsonl", "--out", ".", "dataset.json", "more.jsonl"}
	mine := filepath.Join(dir, finetuning.StylerTrain)
	writeFile(t, mine, "mine")
	a := harvest(t, dir, nil, args...)
	if a.status != 2 || !strings.Contains(a.stderr, finetuning.StylerTrain) || readFile(t, mine) != "mine" {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	mustHarvest(t, dir, args...)
	mustHarvest(t, dir, args...) // the command may replace its own files
}
