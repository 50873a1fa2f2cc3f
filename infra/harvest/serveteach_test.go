package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestServeTeacher drops two datasets with a teacher: a model annotates a part of the first, the embedded scorer learns
// that and rates the whole. From the annotations of the second nothing can be learned, so its run is refused.
func TestServeTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	api := newVisionAPI(t, func(api *visionAPI) { api.rate = humanities })
	datasets := filepath.Join(dir, "input", "datasets")
	writeLog(t, filepath.Join(datasets, "log", "parts"))
	writeLog(t, filepath.Join(datasets, "flat", "parts"))
	var constant strings.Builder
	for i := range 30 {
		fmt.Fprintf(&constant, `{"id":"s%d","scores":[3%s],"styles":["short description"]}`+"\n", i, strings.Repeat(",3", 13))
	}
	writeFile(t, filepath.Join(datasets, "flat", "parts", "annotations.jsonl"), constant.String())
	s := servingWith(t, dir, api.env("LLM_URL="+api.URL, "LLM_MODEL=wren"), "--out", "out")
	writeFile(t, filepath.Join(datasets, "flat", "dataset.yaml"),
		"manifests: [parts/d.jsonl]\nbudget: 20\nteacher: {annotations: parts/annotations.jsonl}\n")
	writeFile(t, filepath.Join(datasets, "log", "dataset.yaml"), "manifests: [parts/d.jsonl]\nbudget: 20\n"+
		"capabilities: [humanities]\nteacher: {scorer: llm, per_source: 15, annotate_min: 0}\n")
	until(t, "the refusal", func() bool { return strings.Contains(s.log.String(), "dataset refused") })
	s.event(t, events.SelectionCompleted)
	subset := filepath.Join(dir, "out", "log", "subset.jsonl")
	until(t, "the subset", func() bool {
		_, err := os.Stat(subset)
		return err == nil
	})
	if n := strings.Count(readFile(t, subset), "Say what a schooner"); n != 20 {
		t.Errorf("%d of the 20 samples in the subset are what the teacher rated 5; log:\n%s", n, s.log.String())
	}
	if asked := api.answered.Load(); asked != 50 {
		t.Errorf("the model was asked %d times, want 50", asked)
	}
	log := s.log.String()
	for _, want := range []string{"a teacher is asked", "host=127.0.0.1:", "learned from the teacher", "own=30",
		"nothing can be learned from the annotations: no capability has two different ratings in 30 samples"} {
		if !strings.Contains(log, want) {
			t.Errorf("there is no %q in the log\n%s", want, log)
		}
	}
	s.stop(t)
}
