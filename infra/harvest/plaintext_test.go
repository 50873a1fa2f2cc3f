package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

func TestPlainText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "",
		"naïve 漢字 🙂\ttab\n":                 "naïve 漢字 🙂\ttab\n",
		"\x1b[2Jgone\n":                     `\u001b[2Jgone` + "\n",
		"a\rb\bc\x00d\x7f":                  `a\u000db\u0008c\u0000d\u007f`,
		"\u009b31m":                         `\u009b31m`,
		"\x9b31m":                           `\x9b31m`,
		"txt.\u202egpj \u2066x\u2069\u200f": `txt.\u202egpj \u2066x\u2069\u200f`,
		"क्\u200dष �":                       "क्\u200dष �",
	} {
		var got strings.Builder
		if n, err := (plainText{&got}).Write([]byte(text)); n != len(text) || err != nil || got.String() != want {
			t.Errorf("%q: wrote %q, %d bytes, %v; want %q", text, got.String(), n, err, want)
		}
	}
}

// TestTextOfDatasetIsShown uses a dataset whose names and ids contain control characters. Every command prints escapes
// of these characters.
func TestTextOfDatasetIsShown(t *testing.T) {
	t.Parallel()
	const evil = "evil\x1b]0;x\x07\u202e\u009b2J\u2067"
	dir := t.TempDir()
	record := func(id string) string {
		line, err := json.Marshal(map[string]any{
			"id": id, "data_source": evil,
			"conversations": []map[string]string{{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So. " + id}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(line) + "\n"
	}
	manifest := filepath.Join(dir, "a.jsonl")
	broken := `{"id": "` + "broken\u202e" + `", "conversations": 1}` + "\n"
	writeFile(t, manifest, record(evil)+record("b")+record("c")+broken)
	a := mustHarvest(t, dir, "curate", manifest, "--budget", "1", "--out", "out", "--state", "state",
		"--max-failed", "90%", "--json")
	var made struct{ Run, Selection string }
	decode(t, a.stdout, &made)
	name := "no\x1b[2J\u202esuch"
	for _, args := range [][]string{
		{"explain", "--state", "state", made.Run, made.Selection, evil},
		{"explain", "--state", "state", "--json", made.Run, made.Selection, evil},
		{"explain", "--state", "state", made.Run, made.Selection, name},
		{"status", "--state", "state", made.Run},
		{"status", "--state", "state", name},
		{"curate", name, "--budget", "1"},
		{"plan", manifest},
		{"select", made.Run, "--state", "state", "--budget", "1", "--minimums", evil + "=1"},
		{"select", made.Run, "--state", "state", "--budget", "1", "--keep-sources", name},
		{"serve", "--input", dir, "--allow-host", name},
	} {
		a := harvest(t, dir, nil, args...)
		for _, r := range a.stdout + a.stderr {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%q printed %U:\n%q\n%q", args, r, a.stdout, a.stderr)
				break
			}
		}
	}
}

// TestOddIDs curates a record whose id has a line break. Each message still has only one line.
func TestOddIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "dataset.jsonl"), `{"id":"a\nb","conversations":[]}`+"\n")
	a := harvest(t, dir, nil, "curate", "--state", "state", "--budget", "1", "dataset.jsonl")
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, `such as sample "a\nb", dataset.jsonl`)
}
