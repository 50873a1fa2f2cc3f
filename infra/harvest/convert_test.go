package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A subset is written in another form where nothing is lost, and is the same dataset then.
func TestOutputFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo, err := filepath.Abs("../../testdata/demo")
	if err != nil {
		t.Fatal(err)
	}
	prompts := map[string]string{}
	for _, format := range []string{"", "llava", "openai", "swift", "sharegpt"} {
		args := []string{"curate", "--budget", "50%", "--images", demo, "--state", "state", "--out", "out-" + format}
		if format != "" {
			args = append(args, "--output-format", format)
		}
		mustHarvest(t, dir, append(args, filepath.Join(demo, "dataset.json"))...)
		subset := filepath.Join("out-"+format, "subset.json")
		prompts[format] = mustHarvest(t, dir, "prompts", "--images", demo, "--state", "state", subset).stdout
		planned := mustHarvest(t, dir, "plan", "--images", demo, "--state", "state", subset)
		if mixed := strings.Contains(planned.stderr, "does not load a field of two types"); mixed != (format == "") {
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
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.jsonl"), `{"id": "x", "messages": [`+
		`{"role": "user", "content": "Why?", "weight": 0}, `+
		`{"role": "assistant", "content": "So."}]}`+"\n")
	for _, tc := range []struct {
		format, says string
		status       int
	}{
		{"lava", `--output-format: "lava" is no form to convert to; did you mean "llava"?`, 2},
		{"swift", "would lose something (messages[0].weight: the other form has no place for it)", 1},
	} {
		a := harvest(t, dir, nil, "curate", "--budget", "1", "--state", "state", "--out", "out", "--output-format", tc.format,
			"a.jsonl")
		if a.status != tc.status || !strings.Contains(a.stderr, tc.says) {
			t.Errorf("--output-format %s: status %d, %q; want %d and %q", tc.format, a.status, a.stderr, tc.status, tc.says)
		}
	}
}
