package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer/llm/enginetest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestRealTeacher has a real vision server annotate samples with images, learns from them, rates all and selects.
// The model's weights are random, so its ratings are noise: it is refused, unless that is accepted.
func TestRealTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	server := enginetest.Start(t)
	dir := t.TempDir()
	newDataset(t, dir, 40, 16)
	env := []string{"LLM_MAX_TOKENS=1200", "LLM_PRICES=tiny=1/2", "LLM_MAX_COST=10"}
	args := []string{
		"curate", "--teacher", "llm:" + server.URL, "--model", "tiny", "--per-source", "5", "--annotate-min", "0",
		"--budget", "30%", "--state", "state", "dataset.json",
	}
	refused := harvest(t, dir, env, args...)
	if refused.status != 1 || !strings.Contains(refused.stderr, "--accept-teacher") {
		t.Errorf("status %d of a model of random weights, want 1: %s", refused.status, refused.stderr)
	}
	r := harvest(t, dir, env, append(args, "--accept-teacher", "--json")...)
	if r.status != 0 {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	var result struct {
		Selected int
		Teacher  struct {
			Annotated annotateReport
			Learned   trainReport
		}
	}
	decode(t, r.stdout, &result)
	e, taught := result.Teacher.Annotated.Estimate, result.Teacher
	if result.Selected != 12 || e.Images < 20 || e.ImageBytes == 0 || e.Dollars == nil || e.Seconds == 0 ||
		!strings.HasPrefix(e.Host, "127.0.0.1:") || e.Limit != 10 {
		t.Errorf("%d selected; estimated %+v", result.Selected, e)
	}
	if taught.Learned.Added == nil || taught.Learned.Added.Own != taught.Annotated.Annotations {
		t.Errorf("learned from %+v, and %d were annotated", taught.Learned.Added, taught.Annotated.Annotations)
	}
	var status struct {
		Scorer string `json:"scorer_id"`
	}
	run := struct{ Run string }{}
	decode(t, r.stdout, &run)
	decode(t, mustHarvest(t, dir, "status", "--json", "--state", "state", run.Run).stdout, &status)
	if want := "-taught-by-" + taught.Annotated.Scorer + "-"; !strings.Contains(status.Scorer, want) {
		t.Errorf("scorer id %q does not name the teacher %s", status.Scorer, taught.Annotated.Scorer)
	}
	if n := strings.Count(readFile(t, filepath.Join(dir, "out", filepath.Base(dir), "subset.json")), `"id"`); n != 12 {
		t.Error(fmt.Sprint(n, " samples are in the subset, want 12"))
	}
}
