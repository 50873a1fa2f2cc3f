package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// runsOf returns the ids of the runs that status lists for a state folder.
func runsOf(t *testing.T, dir string) []string {
	t.Helper()
	var all []struct {
		Run string `json:"run"`
	}
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json").stdout, &all)
	var ids []string
	for _, one := range all {
		ids = append(ids, one.Run)
	}
	return ids
}

// unfinish removes the objects that mark a run as scored.
func unfinish(t *testing.T, dir, run string) {
	t.Helper()
	for _, name := range []string{"scored", "scored.sent"} {
		if err := os.Remove(filepath.Join(dir, "state", "runs", run, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRm removes a run. The run is in no list, its subset stays, and the same command starts the run from the
// beginning.
func TestRm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	args := []string{"--state", "state", "--budget", "30%", "--out", "out", "dataset.json"}
	first := curateJSON(t, dir, args...)
	subset := readFile(t, filepath.Join(dir, "out", "subset.json"))
	removed := mustHarvest(t, dir, "rm", "--state", "state", "latest").stdout
	says(t, removed, "removed run "+first.Run+": ", " bytes)\n")
	if left := runsOf(t, dir); len(left) > 0 {
		t.Errorf("runs %v are left after all were removed", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "runs", first.Run)); !os.IsNotExist(err) {
		t.Errorf("the folder of the run still exists: %v", err)
	}
	for _, command := range []string{"status", "resume", "retry", "rm", "select --budget 1", "explain"} {
		args := append(strings.Fields(command), "--state", "state", first.Run)
		if command == "explain" {
			args = append(args, "latest", "a")
		}
		if a := harvest(t, dir, nil, args...); a.status != 2 || !strings.Contains(a.stderr, "no such run") {
			t.Errorf("%s of a removed run: status %d, %s", command, a.status, a.stderr)
		}
	}
	if readFile(t, filepath.Join(dir, "out", "subset.json")) != subset {
		t.Error("the subset was deleted")
	}
	again := curateJSON(t, dir, args...)
	if again.Run == first.Run || again.Samples != first.Samples || again.TakenOver != 0 {
		t.Errorf("the run that was started again is %+v, want %+v", again, first)
	}
	if readFile(t, filepath.Join(dir, "out", "subset.json")) != subset {
		t.Error("the run that was started again has another subset")
	}
	if same := curateJSON(t, dir, args...); same.Run != again.Run {
		t.Errorf("the next command uses run %s, want %s", same.Run, again.Run)
	}
}

// TestRmRefuses checks that rm refuses a run that is not finished, and a run from which an unfinished run takes over
// scores.
func TestRmRefuses(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	args := []string{"--state", "state", "--budget", "30%", "dataset.json"}
	first := curateJSON(t, dir, args...)
	if err := os.Chtimes(filepath.Join(dir, "source1", "0005.png"), time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	second := curateJSON(t, dir, args...)
	unfinish(t, dir, second.Run)
	a := harvest(t, dir, nil, "rm", "--state", "state", "--force", first.Run)
	if a.status != 2 {
		t.Errorf("a run whose scores are taken over: status %d", a.status)
	}
	says(t, a.stderr, "run "+first.Run+" is not removed, because run "+second.Run+" reuses its scores and is not finished")
	a = harvest(t, dir, nil, "rm", "--state", "state", second.Run)
	if a.status != 2 {
		t.Errorf("a run that is not finished: status %d", a.status)
	}
	says(t, a.stderr, "run "+second.Run+" is not finished: it is scoring", "harvest resume --state state "+second.Run,
		"--force")
	if left := runsOf(t, dir); len(left) != 2 {
		t.Errorf("runs %v, want both", left)
	}
	removed := mustHarvest(t, dir, "rm", "--state", "state", "--force", first.Run, second.Run).stdout
	says(t, removed, "removed run "+first.Run, "removed run "+second.Run, "2 runs removed: ")
	if left := runsOf(t, dir); len(left) > 0 {
		t.Errorf("runs %v are left after all were removed", left)
	}
	// The older of two attempts is no longer needed.
	third := curateJSON(t, dir, args...)
	if err := os.Chtimes(filepath.Join(dir, "source1", "0005.png"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	fourth := curateJSON(t, dir, args...)
	mustHarvest(t, dir, "rm", "--state", "state", third.Run)
	if last := curateJSON(t, dir, args...); last.Run != fourth.Run || last.TakenOver != 12 {
		t.Errorf("after its first attempt is removed it is run %s with %d scores taken over, want %s and 12",
			last.Run, last.TakenOver, fourth.Run)
	}
	mustHarvest(t, dir, "rm", "--state", "state", fourth.Run)
	if fifth := curateJSON(t, dir, args...); slices.Contains([]string{third.Run, fourth.Run}, fifth.Run) {
		t.Errorf("the same command uses the removed run %s", fifth.Run)
	}
}

// TestRmStandardInput checks that the copy of the standard input is removed with the last run that uses it.
func TestRmStandardInput(t *testing.T) {
	t.Parallel()
	dir := recipeFolder(t)
	var ids []string
	for _, images := range []string{"data", "."} { // two runs of the same manifest
		cmd := program(t, dir, nil,
			"curate", "--json", "--budget", "2", "--threshold", "-1", "--images", images, "--state", "state", "--out", "out",
			"-")
		cmd.Stdin = strings.NewReader(strings.ReplaceAll(recordLines("a", 6), `"image"`, `"picture"`))
		var faults strings.Builder
		cmd.Stderr = &faults
		printed, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, faults.String())
		}
		ids = append(ids, decodeResult(t, string(printed)).Run)
	}
	kept := func() int {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dir, "state", "inputs", "stdin", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	mustHarvest(t, dir, "rm", "--state", "state", ids[0])
	if kept() != 1 {
		t.Errorf("%d manifests are kept, want the manifest of the other run", kept())
	}
	mustHarvest(t, dir, "rm", "--state", "state", ids[1])
	if kept() != 0 {
		t.Errorf("%d manifests are kept, want 0", kept())
	}
}

// TestRmGoesOn kills a process in the middle of a removal. rm, gc and resume complete such removals.
func TestRmGoesOn(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	for _, command := range []string{"rm latest", "gc --keep 1", "resume latest"} {
		run := curateJSON(t, dir, "--state", "state", "--budget", "30%", "dataset.json").Run
		// This is the state that a process leaves if it is killed after its first step.
		writeFile(t, filepath.Join(dir, "state", "index", "removed", run+".json"), `{"at":"2026-01-01T00:00:00Z"}`)
		if left := runsOf(t, dir); len(left) > 0 {
			t.Errorf("runs %v are left after all were removed", left)
		}
		a := harvest(t, dir, nil, append(strings.Fields(command), "--state", "state")...)
		says(t, a.stdout+a.stderr, "removed what was left of run "+run+": ")
		if _, err := os.Stat(filepath.Join(dir, "state", "runs", run)); !os.IsNotExist(err) {
			t.Errorf("%s leaves its folder: %v", command, err)
		}
	}
}

// TestRmAgain repeats a command that was killed after its work was done. This is not an error.
func TestRmAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	run := curateJSON(t, dir, "--state", "state", "--budget", "30%", "dataset.json").Run
	writeFile(t, filepath.Join(dir, "state", "index", "removed", run+".json"), `{"at":"2026-01-01T00:00:00Z"}`)
	again := mustHarvest(t, dir, "rm", "--state", "state", run[:len(run)-3])
	says(t, again.stdout, "removed what was left of run "+run+": ")
	if a := harvest(t, dir, nil, "rm", "--state", "state", run); a.status == 0 {
		t.Error("a removed run is removed again")
	}
}

// TestGcTrial keeps a run of the whole dataset, although trials on a part of the dataset are newer.
func TestGcTrial(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	args := []string{"--state", "state", "--budget", "2", "dataset.json"}
	whole := curateJSON(t, dir, args...).Run
	curateJSON(t, dir, append([]string{"--limit", "5"}, args...)...)
	last := curateJSON(t, dir, append([]string{"--limit", "6"}, args...)...).Run
	mustHarvest(t, dir, "gc", "--keep", "1", "--state", "state")
	left := runsOf(t, dir)
	slices.Sort(left)
	want := []string{whole, last}
	slices.Sort(want)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// TestGc keeps the newest scored runs of each dataset.
func TestGc(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	var ids []string
	for i := range 4 {
		data := readFile(t, filepath.Join(dir, "dataset.json"))
		writeFile(t, filepath.Join(dir, "dataset.json"), data+strings.Repeat(" ", i))
		ids = append(ids, curateJSON(t, dir, "--state", "state", "--budget", "30%", "dataset.json").Run)
	}
	for _, args := range [][]string{{"gc"}, {"gc", "--keep", "0"}, {"gc", "--keep", "-1"}} {
		if a := harvest(t, dir, nil, append(args, "--state", "state")...); a.status != 2 {
			t.Errorf("%v: status %d", args, a.status)
		}
	}
	before := len(runsOf(t, dir))
	preview := mustHarvest(t, dir, "gc", "--keep", "2", "--dry-run", "--state", "state").stdout
	if after := len(runsOf(t, dir)); after != before {
		t.Errorf("--dry-run removed %d runs", before-after)
	}
	removed := mustHarvest(t, dir, "gc", "--keep", "2", "--state", "state").stdout
	if strings.ReplaceAll(strings.ReplaceAll(preview, "would remove run", "removed run"), "would be removed", "removed") !=
		removed {
		t.Errorf("--dry-run prints %s, but the command prints %s", preview, removed)
	}
	left := runsOf(t, dir)
	if len(left) != 2 || left[0] != ids[3] || left[1] != ids[2] {
		t.Errorf("runs %v, want the newest two, %s and %s", left, ids[3], ids[2])
	}
	again := mustHarvest(t, dir, "gc", "--keep", "2", "--state", "state").stdout
	says(t, again, "0 runs removed: 0 files, 0 B (0 bytes)\n")
}

// TestRmWhileServing removes a run whose dataset is still in the folder of a running serve. Neither this serve nor the
// next serve starts the run again. Another upload of the manifest starts it from the beginning.
func TestRmWhileServing(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	first := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	run := first.event(t, events.SelectionCompleted).Data.Run
	until(t, "the run in the list", func() bool { return len(first.runs(t)) == 1 })
	says(t, mustHarvest(t, dir, "rm", "--state", "state", "small").stdout, "removed run "+run)
	if left := first.runs(t); len(left) > 0 {
		t.Errorf("serve lists runs %v after all were removed", left)
	}
	first.stop(t)

	second := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	drop(t, dir, "more", 10)
	until(t, "the subset of another dataset", func() bool { return inOut(t, dir, "more") == 3 })
	if all := second.runs(t); len(all) != 1 || all[0].Dataset != "more" {
		t.Errorf("serve lists %v, want the run of more", all)
	}
	if inOut(t, dir, "small") != 6 {
		t.Error("the subset of the removed run was deleted")
	}
	manifest := filepath.Join(dir, "input", "datasets", "small", "all.json")
	if err := os.Chtimes(manifest, time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	until(t, "the run that was started again", func() bool { return len(second.runs(t)) == 2 })
	second.stop(t)
}
