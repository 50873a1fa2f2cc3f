package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestKill kills a run several times at random moments, and continues it. The outputs equal the outputs of an
// undisturbed run, and no shard is scored again. HARVEST_SOAK repeats this for many rounds.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("HARVEST_SOAK") != "" {
		rounds = 20
	}
	dir := t.TempDir()
	newDataset(t, dir, killSamples, 64)
	start := time.Now()
	undisturbed := curateFinely(t, dir, "undisturbed")
	whole := time.Since(start)
	for round := range rounds {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			state := "killed" + strconv.Itoa(round)
			killOften(t, dir, state, whole)
			before := scoreFiles(t, filepath.Join(dir, state))
			resumed := curateFinely(t, dir, state)
			sameFiles(t, before, scoreFiles(t, filepath.Join(dir, state)))
			compareRuns(t, dir, undisturbed, resumed)
			sameContent(t, filepath.Join(dir, "undisturbed"), filepath.Join(dir, state))
		})
	}
}

// killSamples is the number of samples of a run that is killed. kills is the number of kills.
var killSamples, kills = thorough.Size(300, 600), thorough.Size(5, 10)

// finely is the environment of a run with many shards in several ranges. finelyArgs returns the arguments of this run.
var finely = []string{"SHARD_SAMPLES=20", "RANGE_BYTES=20000"}

func finelyArgs(state string) []string {
	return []string{"curate", "--json", "--budget", "25%", "--state", state, "--out", "out-" + state, "dataset.json"}
}

func curateFinely(t *testing.T, dir, state string) result {
	t.Helper()
	a := harvest(t, dir, finely, finelyArgs(state)...)
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	return decodeResult(t, a.stdout)
}

// killOften starts and kills a run several times. whole is the duration of the undisturbed run.
func killOften(t *testing.T, dir, state string, whole time.Duration) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	before := map[string]fs.FileInfo{}
	for range kills {
		died := diedAlone(t, filepath.Join(dir, state))
		cmd := program(t, dir, finely, finelyArgs(state)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(whole) / 4)))
		// Wait for the results of samples that are rated alone. If a second process died before, such a sample would be
		// recorded as deadly (TestDeadlySample).
		until(t, "the results of samples rated alone", func() bool {
			return !slices.ContainsFunc(died, func(sample string) bool {
				_, err := os.Stat(sample + ".parquet")
				return err != nil
			})
		})
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		after := scoreFiles(t, filepath.Join(dir, state))
		sameFiles(t, before, after)
		before = after
	}
	t.Logf("seed %d: %d shards have scores after %d kills", seed, len(before), kills)
}

// diedAlone returns the samples without a result that an attempt began to rate alone.
func diedAlone(t *testing.T, state string) []string {
	t.Helper()
	attempts, err := filepath.Glob(filepath.Join(state, "runs", "*", "items", "*", "*", "*.[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	var samples []string
	for _, attempt := range attempts {
		sample := strings.TrimSuffix(attempt, filepath.Ext(attempt))
		if _, err := os.Stat(sample + ".parquet"); err != nil {
			samples = append(samples, sample)
		}
	}
	return samples
}

// TestKillBeforePlan makes the state of a run whose process was killed after the run was accepted, and before it was
// planned. The same command continues the run.
func TestKillBeforePlan(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, killSamples, 16)
	undisturbed := curateFinely(t, dir, "undisturbed")
	curateFinely(t, dir, "killed")
	folder := filepath.Join(dir, "killed", "runs", undisturbed.Run)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if slices.Contains([]string{"accepted", "asked", "planning"}, entry.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "killed", "index", "finished")); err != nil {
		t.Fatal(err)
	}
	a := harvest(t, dir, nil, "resume", "--state", "killed", undisturbed.Run)
	if a.status != 1 || !strings.Contains(a.stderr, "repeat that command") {
		t.Errorf("resuming it: status %d, %s", a.status, a.stderr)
	}
	compareRuns(t, dir, undisturbed, curateFinely(t, dir, "killed"))
}

// TestKillOfOther kills one of two commands that work on the same run. The other command completes the run.
func TestKillOfOther(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	const samples = 80
	newDataset(t, dir, samples, 64)
	args := func(out string) []string {
		return []string{"curate", "--json", "--budget", "25%", "--state", "state", "--out", out, "dataset.json"}
	}
	first := program(t, dir, []string{"SHARD_SAMPLES=1"}, args("first")...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, "state")
	until(t, "the first scores", func() bool { return len(scoreFiles(t, state)) > 0 })
	second := program(t, dir, []string{"SHARD_SAMPLES=1"}, args("second")...)
	var stderr console
	second.Stderr = &stderr
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the second command", func() bool { return strings.Contains(stderr.String(), "ingest") })
	time.Sleep(300 * time.Millisecond) // by now the second command has found that the first command works on the run
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // killed
	if n := len(scoreFiles(t, state)); n == samples {
		t.Log("killed too late: no work was left")
	}
	if err := second.Wait(); err != nil {
		t.Errorf("the second command: %v: %s", err, stderr.String())
	}
}

// compareRuns checks that two runs of one dataset have equal outputs.
func compareRuns(t *testing.T, dir string, want, got result) {
	t.Helper()
	if diff := cmp.Diff(want.Samples, got.Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if got.Run != want.Run || got.Selection != want.Selection || got.Selected != killSamples/4 {
		t.Errorf("run %s, selection %s of %d; want %s, %s of %d", got.Run, got.Selection, got.Selected, want.Run,
			want.Selection, killSamples/4)
	}
	for _, paths := range [][2]string{
		{want.Outputs.Subset, got.Outputs.Subset}, {want.Outputs.Rejected, got.Outputs.Rejected},
		{want.Outputs.Picks, got.Outputs.Picks}, {want.Outputs.Selection, got.Outputs.Selection},
	} {
		if withoutCommand(t, filepath.Join(dir, paths[0])) != withoutCommand(t, filepath.Join(dir, paths[1])) {
			t.Errorf("%s differs from %s", paths[1], paths[0])
		}
	}
}

// scoreFiles returns the scores of shards below a state folder.
func scoreFiles(t *testing.T, state string) map[string]fs.FileInfo {
	t.Helper()
	found := map[string]fs.FileInfo{}
	paths, err := filepath.Glob(filepath.Join(state, "runs", "*", "rated", "*", "*.parquet"))
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

// sameFiles checks that no file in before was written again, because a scored shard is never written again.
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

// TestInterruptSays checks the message after ctrl-C. A command without a state folder must start again.
func TestInterruptSays(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, want := range map[string]string{
		"train": "to start again", "export": "to start again", "curate": "to continue", "serve": "to continue",
	} {
		cmd, _, err := newRoot().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		var warn bytes.Buffer
		if status := exitStatus(ctx, cmd, ctx.Err(), &warn); status != 130 || !strings.Contains(warn.String(), want) {
			t.Errorf("%s: status %d: %s", name, status, warn.String())
		}
	}
}

// TestInterrupt ends a command as ctrl-C does.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 120, 64)
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
	_ = cmd.Wait() // the test checks its exit status
	if status := cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d, want 130", status)
	}
	if !strings.Contains(stderr.String(), "nothing is lost") || strings.Contains(stderr.String(), "canceled") ||
		stdout.Len() > 0 {
		t.Errorf("printed %q and %q, want only the message that nothing is lost, on standard error",
			stdout.String(), stderr.String())
	}
	before := scoreFiles(t, filepath.Join(dir, "state"))
	if got := curateAgain(t, dir); got.Samples.Scored != 120 {
		t.Errorf("samples %+v, want 120 scored", got.Samples)
	}
	sameFiles(t, before, scoreFiles(t, filepath.Join(dir, "state")))
}

func curateAgain(t *testing.T, dir string) result {
	t.Helper()
	a := harvest(t, dir, []string{"SHARD_SAMPLES=1"}, "curate", "--json", "--quiet", "--budget", "25%", "--state", "state",
		"dataset.json")
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	for line := range strings.Lines(a.stderr) {
		if !strings.HasPrefix(line, "harvest: warning: ") {
			t.Errorf("--quiet printed %q on standard error", line)
		}
	}
	return decodeResult(t, a.stdout)
}

// withoutCommand returns the content of an output file. From selection.json it removes the command that wrote the file.
func withoutCommand(t *testing.T, path string) string {
	t.Helper()
	content := readFile(t, path)
	if filepath.Base(path) != selectionFile {
		return content
	}
	var fields map[string]any
	decode(t, content, &fields)
	delete(fields, "command")
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
