package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestServeTeacher uploads two datasets with a teacher. A model annotates a part of the first dataset. The embedded
// scorer is trained on these annotations, and rates the whole dataset. Nothing can be learned from the annotations of
// the second dataset, so its run is refused.
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
		t.Errorf("the teacher rated %d of the 20 samples in the subset 5; log:\n%s", n, s.log.String())
	}
	if asked := api.answered.Load(); asked != 50 {
		t.Errorf("the model got %d requests, want 50", asked)
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

// TestTeacherLinks uploads a dataset whose folder of images is a link that leads out of the input folder. No teacher
// gets the images, unless links are followed.
func TestTeacherLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "input")
	writeLog(t, filepath.Join(folder, "datasets", "log", "parts"))
	writeFile(t, filepath.Join(folder, "datasets", "log", "dataset.yaml"),
		"manifests: [parts/d.jsonl]\nimages: images/private/\nteacher: {scorer: llm}\n")
	writeFile(t, filepath.Join(dir, "private", "a.png"), "private")
	writeFile(t, filepath.Join(folder, "images", "log", "b.png"), "public")
	for link, to := range map[string]string{"private": "private", "log/a.png": "private/a.png"} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(folder, "images", link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, follow := range []bool{false, true} {
		teacher, log := newTeacher(t, folder, filepath.Join(dir, "state"), follow)
		if err := teacher.arrived(t.Context(), "datasets/log/dataset.yaml"); err != nil {
			t.Fatal(err)
		}
		if asks := len(teacher.waiting) == 1; asks != follow {
			t.Errorf("with links followed: %v, the teacher is asked: %v", follow, asks)
		}
		if refused := strings.Contains(log.String(), "--follow-links"); refused == follow {
			t.Errorf("with links followed: %v, the log is %q", follow, log.String())
		}
		place, err := teacher.dataset(run.Spec{Dataset: "log"}).imagesPlace()
		if err != nil {
			t.Fatal(err)
		}
		for name, readable := range map[string]bool{"a.png": follow, "b.png": true} {
			if _, err := place.from.Stat(t.Context(), place.prefix+name); (err == nil) != readable {
				t.Errorf("with links followed: %v, %s: %v", follow, name, err)
			}
		}
	}
}

// TestTeacherAfterLastFile uploads a dataset.yaml with a teacher before its manifest. When the manifest arrives, the
// dataset waits for its lesson. The manifest of a dataset that does not wait starts nothing.
func TestTeacherAfterLastFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "input")
	spec := filepath.Join(folder, "datasets", "log", "dataset.yaml")
	writeFile(t, spec, "manifests: [parts/d.jsonl]\nteacher: {scorer: llm}\n")
	if err := os.MkdirAll(filepath.Join(folder, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, waits := range []bool{false, true} {
		teacher, _ := newTeacher(t, folder, filepath.Join(dir, fmt.Sprint("state ", waits)), false)
		teacher.upload = func(context.Context, string) error { return nil }
		attrs, err := teacher.input.Stat(t.Context(), "datasets/log/dataset.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if waits {
			u := run.Upload{Object: attrs.Name, Generation: attrs.Generation}
			if err := run.NewIndex(teacher.work).Await(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		writeLog(t, filepath.Join(folder, "datasets", "log", "parts"))
		if err := teacher.arrived(t.Context(), "datasets/log/parts/d.jsonl"); err != nil {
			t.Fatal(err)
		}
		if asks := len(teacher.waiting) == 1; asks != waits {
			t.Errorf("the dataset.yaml waits: %v, and the teacher is asked: %v", waits, asks)
		}
	}
}

// newTeacher returns the lessons of serve for an input folder, without a running system, and their log. The test fails
// if a run begins.
func newTeacher(t *testing.T, folder, state string, followLinks bool) (*lessons, *strings.Builder) {
	t.Helper()
	input, errInput := openInput(t.Context(), folder, followLinks)
	_, work, errState := openState(state)
	l, errLimits := limits(t.Context())
	if err := errors.Join(errInput, errState, errLimits); err != nil {
		t.Fatal(err)
	}
	runs, _, errRuns := openRuns(work)
	budget, errBudget := imageMemory(l.Images, kinds.Config{})
	if err := errors.Join(errRuns, errBudget); err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	scorers, err := openerFor(kinds.Config{}, budget, work, logger)
	if err != nil {
		t.Fatal(err)
	}
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: runs, Input: input, Work: work, OpenScorer: scorers.Open, Limits: l, Memory: budget,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &lessons{
		input: input, folder: folder, planner: planner, work: work, log: logger, waiting: make(chan string, 1),
		upload: func(context.Context, string) error { t.Error("a run began"); return nil },
	}, log
}
