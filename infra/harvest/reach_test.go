package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestReach checks that plan, summary, selection.json and report give the distance of sources from the training data of
// the embedded scorer. The terminal shows five sources, in 80 columns.
func TestReach(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var manifest strings.Builder
	for i := range 70 {
		fmt.Fprintf(&manifest, `{"id":"s%d","data_source":"a source with quite a long name, number %d","conversations":[`+
			`{"from":"human","value":"Write a story about ship %d."},{"from":"gpt","value":"%s%d"}]}`+"\n",
			i, i%7, i, strings.Repeat("Once upon a time there was a ship. ", 60), i)
	}
	writeFile(t, filepath.Join(dir, "d.jsonl"), manifest.String())
	planned := mustHarvest(t, dir, "plan", "d.jsonl")
	curated := mustHarvest(t, dir, "curate", "--budget", "30%", "--state", "state", "d.jsonl")
	for command, text := range map[string]string{"plan": planned.stdout, "curate": curated.stdout} {
		says(t, strings.ReplaceAll(text, "\n", " "), "error, forecast", "2 more sources: see ",
			"100 % of the samples are far from what the", "7 sources are far", reach.Teach)
		shown := strings.SplitAfter(text, "\n")
		for !strings.Contains(shown[0], "error, forecast") {
			shown = shown[1:]
		}
		for _, line := range shown[:14] {
			if n := len([]rune(strings.TrimSpace(line))); n > 80 {
				t.Errorf("%s: %d columns in %q", command, n, line)
			}
		}
	}
	var sel subset.Selection
	decode(t, readFile(t, filepath.Join(dir, "out/d/selection.json")), &sel)
	if sel.Reach == nil || len(sel.Reach.Sources) != 7 || sel.Reach.Samples != 70 || sel.Reach.Sources[0].Error == nil {
		t.Errorf("selection.json has %+v", sel.Reach)
	}
	says(t, readFile(t, filepath.Join(dir, "out/d/report.html")), `id="reach"`, "mean absolute error, forecast")
}
