package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/study/finetuning"
)

// TestLockOut waits for another command that writes to the same output folder.
func TestLockOut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	unlock, err := lockOut(t.Context(), dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	if _, err := lockOut(ctx, dir, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two commands write to the folder: %v", err)
	}
	unlock()
	again, err := lockOut(t.Context(), dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// TestLockRemovedFolder removes a new folder after a failure. A command that waited for the folder makes it again, and
// locks the new folder. A folder that a command writes to stays.
func TestLockRemovedFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	removeNew := newFolder(dir)
	unlock, err := lockOut(t.Context(), dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if removeNew(); !sameFile(dir, dir) {
		t.Fatal("a folder was removed while a command wrote to it")
	}
	var notes lockedBuffer
	locked := make(chan error, 1)
	go func() {
		again, err := lockOut(t.Context(), dir, &notes)
		if err == nil {
			defer again()
			err = os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
		}
		locked <- err
	}()
	until(t, "the note", func() bool { return strings.Contains(notes.String(), "waiting until another command has") })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-locked; err != nil {
		t.Error(err)
	}
}

// TestPrepareLocked removes the temporary folder of a killed command from a folder that it locks and prepares. The name
// of the folder is not a pattern.
func TestPrepareLocked(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out[1")
	killed := filepath.Join(dir, scratchPrefix+"1")
	if err := os.MkdirAll(killed, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockPrepared(t.Context(), dir, io.Discard, func() error { return prepareOut(dir, "", nil) })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if _, err := os.Stat(killed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder stays: %v", err)
	}
}

// A lockedBuffer is a buffer that can be read while a command writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// waiting starts a command in the folder dir, and returns when it waits for another command that writes to out, or when
// it has ended. It returns a function that waits for the end of the command.
func waiting(t *testing.T, dir, out string, args ...string) (end func() (status int, stderr string)) {
	t.Helper()
	var text lockedBuffer
	cmd := program(t, dir, nil, args...)
	cmd.Stderr = &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	note := "harvest: waiting until another command has written to " + out + "\n"
	until(t, "the command", func() bool { return strings.Contains(text.String(), note) || len(ended) > 0 })
	if len(ended) > 0 {
		t.Errorf("the command did not wait: %s", text.String())
	}
	return func() (int, string) {
		<-ended
		return cmd.ProcessState.ExitCode(), text.String()
	}
}

// TestWaitForFolder holds the lock of an output folder, as another command does while it writes. Each command that
// writes to the folder waits, and does not touch the temporary files of the other command.
func TestWaitForFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	made := curateJSON(t, dir, "--state", "state", "--no-report", "--out", "out", "--budget", "8", "dataset.json")
	run := made.Run
	writeIDs(t, filepath.Join(dir, "all.txt"), 20)
	for name, c := range map[string]struct {
		args []string
		file string // the last file that the command writes
	}{
		"export":  {[]string{"export-subset", run, made.Selection, "--for", "trl"}, exportMarkFile},
		"convert": {[]string{"select", run, "--budget", "5", "--no-report", "--output-format", "openai"}, selectionFile},
		"nested":  {[]string{"select", run, "--budget", "2,4", "--no-report"}, filepath.Join("4", selectionFile)},
		"none":    {[]string{"select", run, "--budget", "2", "--exclude", "all.txt"}, rejectedFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(dir, name)
			unlock, err := lockOut(t.Context(), out, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			scratch := filepath.Join(out, ".harvest-scratch-other")
			if err := os.Mkdir(scratch, 0o755); err != nil {
				t.Fatal(err)
			}
			end := waiting(t, dir, out, append(c.args, "--state", "state", "--out", out)...)
			if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 || !sameFile(scratch, scratch) {
				t.Errorf("the command did not wait: %v, %v", entries, err)
			}
			unlock()
			_, stderr := end()
			if _, err := os.Stat(filepath.Join(out, c.file)); err != nil {
				t.Errorf("%v: %s", err, stderr)
			}
			if sameFile(scratch, scratch) {
				t.Error("the temporary folder of a killed command stays")
			}
		})
	}
}

// TestForeignWhileWaiting writes a file of another program to the folder for which a command waits. The command keeps
// the file, and fails.
func TestForeignWhileWaiting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	made := curateJSON(t, dir, "--state", "state", "--no-report", "--out", "out", "--budget", "8", "dataset.json")
	writeIDs(t, filepath.Join(dir, "all.txt"), 20)
	for name, c := range map[string]struct {
		args   []string
		locked string // the subfolder of --out that the other program locks
		file   string
	}{
		"curate": {[]string{"curate", "--budget", "5", "--no-report", "dataset.json"}, "", "subset.json"},
		"select": {[]string{"select", made.Run, "--budget", "5", "--no-report"}, "", "subset.json"},
		"nested": {[]string{"select", made.Run, "--budget", "2,4", "--no-report"}, "", "notes.txt"},
		"below":  {[]string{"select", made.Run, "--budget", "2,4", "--no-report"}, "4", "4/subset.json"},
		"none":   {[]string{"select", made.Run, "--budget", "2", "--exclude", "all.txt"}, "", rejectedFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(dir, name)
			locked := filepath.Join(out, c.locked)
			unlock, err := lockOut(t.Context(), locked, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			end := waiting(t, dir, locked, append(c.args, "--state", "state", "--out", out)...)
			file := writeFile(t, filepath.Join(out, c.file), "mine")
			unlock()
			status, stderr := end()
			if status != 2 || !strings.Contains(stderr, "files that harvest did not write ("+filepath.Base(c.file)) {
				t.Errorf("status %d: %s", status, stderr)
			}
			if readFile(t, file) != "mine" {
				t.Error("the file of the other program was replaced")
			}
		})
	}
}

// TestWaitForSubfolder holds the lock of a subfolder with a selection, as another command does while it writes. A
// command that replaces the selections of the folder waits before it removes the subfolder.
func TestWaitForSubfolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	out := filepath.Join(dir, "out")
	made := curateJSON(t, dir, "--state", "state", "--no-report", "--out", out, "--budget", "4,8", "dataset.json")
	below := filepath.Join(out, "8")
	unlock, err := lockOut(t.Context(), below, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	end := waiting(t, dir, below, "select", made.Run, "--budget", "2", "--no-report", "--state", "state", "--out", out)
	if !holdsSelection(below) {
		t.Error("the command removed the folder to which another command writes")
	}
	unlock()
	status, stderr := end()
	if _, err := os.Stat(below); status != 0 || !errors.Is(err, os.ErrNotExist) || !holdsSelection(out) {
		t.Errorf("the earlier selection stays: %v; status %d: %s", err, status, stderr)
	}
}

// TestWaitForFile holds the lock of the folder of output files. Each command that writes several files, or that must
// keep the content of a file, waits.
func TestWaitForFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeHarbour(t, dir)
	for name, c := range map[string]struct {
		args []string
		file string // below the folder name: the file that the command writes
	}{
		"train": {
			[]string{"train", "--annotations", "a.jsonl", "--rubric", "rubric.yaml", "--out", "train/w.zst", "d.jsonl"}, "w.zst",
		},
		"export": {
			[]string{"export", "--annotations", "a.jsonl", "--rubric", "rubric.yaml", "--out", "export", "d.jsonl"},
			finetuning.ScorerTrain,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unlock, err := lockOut(t.Context(), filepath.Join(dir, name), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			end := waiting(t, dir, name, c.args...)
			if entries, err := os.ReadDir(filepath.Join(dir, name)); err != nil || len(entries) > 0 {
				t.Errorf("the command did not wait: %v, %v", entries, err)
			}
			unlock()
			status, stderr := end()
			if _, err := os.Stat(filepath.Join(dir, name, c.file)); err != nil || status != 0 {
				t.Errorf("%v, status %d: %s", err, status, stderr)
			}
		})
	}
}

// TestAnnotateConcurrently writes annotations to the file of --out while annotate rates samples. They are kept.
func TestAnnotateConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	unlock, err := lockOut(t.Context(), filepath.Join(dir, "own"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	end := waiting(t, dir, "own", "annotate", "--scorer", "embedded", "--samples", "6", "--state", "state", "--out",
		"own/a.jsonl", "dataset.json")
	other := `{"id": "other", "scores": [` + strings.Repeat(",1", 14)[1:] + `], "styles": ["yes/no"]}` + "\n"
	file := writeFile(t, filepath.Join(dir, "own", "a.jsonl"), other)
	unlock()
	const want = "annotation of other was written by another command in the meantime"
	if status, stderr := end(); status != 2 || !strings.Contains(stderr, want) || readFile(t, file) != other {
		t.Errorf("status %d: %s", status, stderr)
	}
}
