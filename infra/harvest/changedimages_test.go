package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestChangedImages repeats a command. In between, one image is added, one is changed and one is deleted.
func TestChangedImages(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	const size = 40
	dir := t.TempDir()
	newDataset(t, dir, size, 16)
	late, gone := filepath.Join(dir, "source1", "0005.png"), filepath.Join(dir, "source2", "0006.png")
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	rename(late, late+".late")
	curate := func(flags ...string) (result, string) {
		t.Helper()
		args := append([]string{"curate", "--json", "--state", "state", "--budget", "30%", "dataset.json"}, flags...)
		a := mustHarvest(t, dir, args...)
		return decodeResult(t, a.stdout), a.stderr
	}
	first, _ := curate()
	if again, text := curate(); again.Run != first.Run || strings.Contains(text, "new or changed") {
		t.Errorf("without changes the run is %s, want %s: %s", again.Run, first.Run, text)
	}

	rename(late+".late", late)
	writePNG(t, filepath.Join(dir, "source3", "0007.png"), 24, rand.New(rand.NewPCG(5, 6)))
	if skipped, _ := curate("--no-image-check"); skipped.Run != first.Run {
		t.Errorf("--no-image-check gives run %s, want %s", skipped.Run, first.Run)
	}
	plan := mustHarvest(t, dir, "plan", "--state", "state", "dataset.json").stdout
	if want := "2 of 40 samples; at least 38 scores taken over"; !strings.Contains(plan, want) {
		t.Errorf("plan lacks %q:\n%s", want, plan)
	}
	second, text := curate()
	want := "harvest: 2 of 40 samples have new or changed images: reading these images, and rating the samples whose " +
		"images have other content; " +
		"the other 38 scores are taken over\n"
	if !strings.Contains(text, want) {
		t.Errorf("printed %q, want %q", text, want)
	}
	if diff := cmp.Diff(events.Counts{In: size, Scored: size}, second.Samples); diff != "" || second.TakenOver != size-2 ||
		second.Run == first.Run || second.Selected != 12 {
		t.Errorf("%d of %d scores taken over, %d selected, samples (-want +got):\n%s",
			second.TakenOver, size, second.Selected, diff)
	}
	checkTakenOver(t, dir, first.Run, second.Run)

	rename(gone, gone+".gone")
	third, text := curate()
	want = "1 of 40 samples have new or changed images: reading these images, and rating the samples whose images " +
		"have other content; " +
		"the other 39 scores are taken over\n"
	if third.Samples.Failed != 1 || third.TakenOver != size-1 || !strings.Contains(text, want) {
		t.Errorf("without an image: samples %+v, %d taken over, printed %q", third.Samples, third.TakenOver, text)
	}
	if last, _ := curate(); last.Run != third.Run || last.Selection != third.Selection {
		t.Errorf("without changes the run is %s, want %s", last.Run, third.Run)
	}
}

// TestRenewedTimes curates a dataset again after the images have got other modification times but kept their content,
// as after a copy.
func TestRenewedTimes(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 12, 16)
	args := []string{"curate", "--json", "--state", "state", "--budget", "30%", "dataset.json"}
	mustHarvest(t, dir, args...)
	copied := filepath.Join(dir, "source1", "0005.png")
	if err := os.Chtimes(copied, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	a := mustHarvest(t, dir, args...)
	if again := decodeResult(t, a.stdout); again.TakenOver != 12 {
		t.Errorf("%d scores taken over, want 12", again.TakenOver)
	}
	says(t, a.stderr, "1 of 12 samples have new or changed images", "the other 11 scores are taken over\n",
		"12 of 12 scores are taken over: 1 of the changed samples have image files with another modification time "+
			"but the same content\n")
}

// checkTakenOver checks the status of a run that took over 38 scores of another run.
func checkTakenOver(t *testing.T, dir, first, second string) {
	t.Helper()
	var status subset.RunStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", second).stdout, &status)
	if status.TakenOver != 38 || status.Reuse != first || status.Attempt != 1 {
		t.Errorf("status %+v", status)
	}
	table := mustHarvest(t, dir, "status", "--state", "state", second).stdout
	if want := "38 of 40 scores, from run " + first; !strings.Contains(table, want) {
		t.Errorf("status lacks %q:\n%s", want, table)
	}
}

// TestChangedImagesOfFailedRun curates a dataset again whose first run failed because images were missing.
func TestChangedImagesOfFailedRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 40, 16)
	late := filepath.Join(dir, "source1")
	if err := os.Rename(late, late+".late"); err != nil {
		t.Fatal(err)
	}
	args := []string{"curate", "--json", "--state", "state", "--budget", "30%", "dataset.json"}
	if a := harvest(t, dir, nil, args...); a.status != 1 || !strings.Contains(a.stdout, "10 of 40 samples failed") {
		t.Fatalf("status %d, printed %q and %q", a.status, a.stdout, a.stderr)
	}
	if err := os.Rename(late+".late", late); err != nil {
		t.Fatal(err)
	}
	if a := mustHarvest(t, dir, args...); decodeResult(t, a.stdout).Selected != 12 ||
		!strings.Contains(a.stderr, "10 of 40 samples have new or changed images") {
		t.Errorf("printed %q and %q", a.stdout, a.stderr)
	}
}
