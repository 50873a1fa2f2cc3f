package main

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommitted draws both datasets anew and compares them with the committed files byte for byte.
func TestCommitted(t *testing.T) {
	t.Parallel()
	fresh := t.TempDir()
	if err := generate(fresh); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"demo", "broken"} {
		got, want := folderOf(t, filepath.Join(fresh, folder)), folderOf(t, filepath.Join("..", folder))
		for name, data := range got {
			committed, found := want[name]
			if !found {
				t.Errorf("%s/%s is not committed: run go run ./testdata/generate", folder, name)
			} else if !bytes.Equal(data, committed) {
				t.Errorf("%s/%s differs from the committed file: run go run ./testdata/generate", folder, name)
			}
			delete(want, name)
		}
		for name := range want {
			t.Errorf("%s/%s is committed but not generated", folder, name)
		}
	}
}

func folderOf(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestDemo checks what the demo dataset promises of itself: sound samples, all styles, small images.
func TestDemo(t *testing.T) {
	t.Parallel()
	faces, err := newFaces()
	if err != nil {
		t.Fatal(err)
	}
	all, err := shelves(faces)
	if err != nil {
		t.Fatal(err)
	}
	styles := map[style]int{}
	bytesInAll, used := 0, map[string]bool{}
	for _, s := range all {
		sizes := map[string]int{}
		for _, f := range s.files {
			bytesInAll += len(f.data)
			sizes[f.name] = len(f.data)
			m, _, err := image.DecodeConfig(bytes.NewReader(f.data))
			if err != nil {
				t.Fatalf("decoding %s: %v", f.name, err)
			}
			if min(m.Width, m.Height) < 90 || max(m.Width, m.Height) > 640 {
				t.Errorf("%s measures %d x %d pixels", f.name, m.Width, m.Height)
			}
		}
		for _, r := range s.records {
			styles[r.style]++
			if missing := withoutImage(r, sizes, used); len(missing) > 0 {
				t.Errorf("%s names images that are not there: %v", r.ID, missing)
			}
			checkTurns(t, r)
		}
		for name := range sizes {
			if !used[name] {
				t.Errorf("no sample uses %s", name)
			}
		}
	}
	if bytesInAll > 4<<20 {
		t.Errorf("the images have %d bytes, more than 4 MB", bytesInAll)
	}
	for _, want := range []style{multiChoice, coordinate, yesNo, shortPhrase, shortText, detailed, comparison, stepByStep, specified} {
		if styles[want] < 8 {
			t.Errorf("style %q has %d samples, want at least 8", want, styles[want])
		}
	}
}

func imagesOf(r record) []string {
	switch v := r.Image.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}

func withoutImage(r record, sizes map[string]int, used map[string]bool) []string {
	var missing []string
	for _, name := range imagesOf(r) {
		used[name] = true
		if sizes[name] == 0 {
			missing = append(missing, name)
		}
	}
	return missing
}

func checkTurns(t *testing.T, r record) {
	t.Helper()
	marks := 0
	for i, turn := range r.Conversations {
		marks += strings.Count(turn.Value, "<image>")
		if want := []string{"human", "gpt"}[i%2]; turn.From != want {
			t.Errorf("%s: turn %d is by %s, want %s", r.ID, i, turn.From, want)
		}
		if strings.TrimSpace(turn.Value) == "" || strings.Contains(turn.Value, "%!") {
			t.Errorf("%s: turn %d reads %q", r.ID, i, turn.Value)
		}
	}
	if want := len(imagesOf(r)); marks != want {
		t.Errorf("%s: %d marks, want %d", r.ID, marks, want)
	}
	if len(r.Conversations) < 2 || len(r.Conversations)%2 == 1 {
		t.Errorf("%s: %d turns", r.ID, len(r.Conversations))
	}
}

// TestBroken checks that each manifest is broken where it says so, and that the two agree.
func TestBroken(t *testing.T) {
	t.Parallel()
	files, err := newBroken()
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	for _, f := range files {
		content[f.name] = f.data
	}
	for _, name := range []string{"dataset.json", "truncated.json", "not-json.json"} {
		if json.Valid(content[name]) {
			t.Errorf("%s is sound JSON", name)
		}
	}
	var expected map[string][]expectation
	if err := json.Unmarshal(content["expected.json"], &expected); err != nil {
		t.Fatal(err)
	}
	array, lines := expected["dataset.json"], expected["dataset.jsonl"]
	for i := range lines {
		lines[i].ID = strings.Replace(lines[i].ID, "dataset.jsonl#", "dataset.json#", 1)
	}
	if diff := cmp.Diff(array, lines); diff != "" {
		t.Errorf("the array and the lines expect other faults (-array +lines):\n%s", diff)
	}
	unsound := 0
	for line := range bytes.Lines(content["dataset.jsonl"]) {
		if !json.Valid(line) {
			unsound++
		}
	}
	if unsound != 1 {
		t.Errorf("%d lines of dataset.jsonl are no JSON, want 1", unsound)
	}
	for _, name := range []string{"birds/cmyk.jpg", "birds/deep.png", "birds/palette.gif", "birds/dot.png", "birds/strip.png"} {
		if _, _, err := image.Decode(bytes.NewReader(content[name])); err != nil {
			t.Errorf("decoding %s: %v", name, err)
		}
	}
	for _, name := range []string{"birds/truncated.png", "birds/truncated.jpg", "birds/text.png", "birds/empty.png"} {
		if _, _, err := image.Decode(bytes.NewReader(content[name])); err == nil {
			t.Errorf("%s decodes", name)
		}
	}
	bomb, _, err := image.DecodeConfig(bytes.NewReader(content["birds/bomb.png"]))
	if err != nil {
		t.Fatal(err)
	}
	if bomb.Width*bomb.Height <= 100e6 {
		t.Errorf("birds/bomb.png has %d pixels, want more than 100 million", bomb.Width*bomb.Height)
	}
}
