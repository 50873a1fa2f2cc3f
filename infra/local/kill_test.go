package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestKill kills a run ten times at random moments, a hundred times with HARVEST_SOAK set, and goes on
// with it: its outputs are those of a run that nobody disturbed, and no shard is scored again.
func TestKill(t *testing.T) {
	t.Parallel()
	kills, samples := 10, 600
	if os.Getenv("HARVEST_SOAK") != "" {
		kills, samples = 100, 3000
	}
	dir := t.TempDir()
	newDataset(t, dir, samples, 200)
	fine := []string{"SHARD_SAMPLES=20", "RANGE_BYTES=20000"}
	args := func(state string) []string {
		return []string{"curate", "--json", "--budget", "25%", "--state", state, "--out", "out-" + state, "dataset.json"}
	}

	start := time.Now()
	undisturbed := harvest(t, dir, fine, args("undisturbed")...)
	if undisturbed.status != 0 {
		t.Fatal(undisturbed.stderr)
	}
	whole := time.Since(start)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ends := 0
	before := map[string]fs.FileInfo{}
	for range kills {
		cmd := program(t, dir, fine, args("killed")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// A run that starts gets as far as the first shards in a few tenths of the whole, and no two kills fall alike.
		time.Sleep(time.Duration(random.Int64N(int64(whole) / 2)))
		if err := cmd.Process.Kill(); err != nil {
			ends++ // it was faster
		}
		_ = cmd.Wait() // killed
		after := scoreFiles(t, filepath.Join(dir, "killed"))
		sameFiles(t, before, after)
		before = after
	}
	t.Logf("%d shards scored after %d kills, %d of which came too late", len(before), kills, ends)
	resumed := harvest(t, dir, fine, args("killed")...)
	if resumed.status != 0 {
		t.Fatal(resumed.stderr)
	}
	sameFiles(t, before, scoreFiles(t, filepath.Join(dir, "killed")))

	want, got := decodeResult(t, undisturbed.stdout), decodeResult(t, resumed.stdout)
	if diff := cmp.Diff(want.Samples, got.Samples); diff != "" {
		t.Errorf("samples (-undisturbed +killed):\n%s", diff)
	}
	if got.Run != want.Run || got.Selection != want.Selection || got.Selected != want.Selected || got.Selected != samples/4 {
		t.Errorf("run %s, selection %s of %d; undisturbed: %s, %s of %d, and %d were asked for",
			got.Run, got.Selection, got.Selected, want.Run, want.Selection, want.Selected, samples/4)
	}
	for _, file := range []string{"subset.json", "rejected.jsonl", "picks.parquet", "selection.json"} {
		if readFile(t, filepath.Join(dir, "out-undisturbed", file)) != readFile(t, filepath.Join(dir, "out-killed", file)) {
			t.Errorf("%s differs from that of the undisturbed run", file)
		}
	}
	sameContent(t, filepath.Join(dir, "undisturbed"), filepath.Join(dir, "killed"))
}

// scoreFiles are the scores of shards below a state folder.
func scoreFiles(t *testing.T, state string) map[string]fs.FileInfo {
	t.Helper()
	found := map[string]fs.FileInfo{}
	paths, err := filepath.Glob(filepath.Join(state, "runs", "*", "scores", "*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = info
	}
	return found
}

// sameFiles checks that every file of before is still that very file: a shard that is scored is never written again.
func sameFiles(t *testing.T, before, after map[string]fs.FileInfo) {
	t.Helper()
	for path, was := range before {
		is, there := after[path]
		if !there || !os.SameFile(was, is) || !was.ModTime().Equal(is.ModTime()) || was.Size() != is.Size() {
			t.Errorf("%s was written again", path)
		}
	}
}

// sameContent checks that two work buckets hold the same scores.
func sameContent(t *testing.T, want, got string) {
	t.Helper()
	paths := scoreFiles(t, want)
	if len(paths) == 0 {
		t.Fatal("no scores")
	}
	for path := range paths {
		other := filepath.Join(got, strings.TrimPrefix(path, want))
		if readFile(t, path) != readFile(t, other) {
			t.Errorf("%s differs from %s", other, path)
		}
	}
}

// TestInterrupt ends a command as ctrl-C does.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 200, 200)
	cmd := program(t, dir, []string{"SHARD_SAMPLES=1"}, "curate", "--budget", "25%", "--state", "state", "dataset.json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the first scores", func() bool { return len(scoreFiles(t, filepath.Join(dir, "state"))) > 0 })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its status is looked at
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
	if !strings.Contains(stderr.String(), "nothing is lost") || stdout.Len() > 0 {
		t.Errorf("printed %q and %q, want that nothing is lost, on standard error", stdout.String(), stderr.String())
	}
	before := scoreFiles(t, filepath.Join(dir, "state"))
	if got := curateAgain(t, dir); got.Samples.Scored != 200 {
		t.Errorf("samples %+v, want 200 scored", got.Samples)
	}
	sameFiles(t, before, scoreFiles(t, filepath.Join(dir, "state")))
}

func curateAgain(t *testing.T, dir string) result {
	t.Helper()
	a := harvest(t, dir, []string{"SHARD_SAMPLES=1"}, "curate", "--json", "--quiet", "--budget", "25%", "--state", "state", "dataset.json")
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	if a.stderr != "" {
		t.Errorf("--quiet printed %q on standard error", a.stderr)
	}
	return decodeResult(t, a.stdout)
}
