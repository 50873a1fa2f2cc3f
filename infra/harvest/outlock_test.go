package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
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

// TestWaitForFolder holds the lock of an output folder, as another command does while it writes. Each command that
// writes to the folder waits, and does not touch the temporary files of the other command.
func TestWaitForFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 8)
	made := curateJSON(t, dir, "--state", "state", "--no-report", "--out", "out", "--budget", "8", "dataset.json")
	run := made.Run
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "sample-%04d\n", i)
	}
	writeFile(t, filepath.Join(dir, "all.txt"), all.String())
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
			var stderr lockedBuffer
			cmd := program(t, dir, nil, append(c.args, "--state", "state", "--out", out)...)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			until(t, "the command", func() bool {
				return strings.Contains(stderr.String(), "harvest: waiting until another command has written to "+out) ||
					len(ended) > 0
			})
			if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 || !sameFile(scratch, scratch) {
				t.Errorf("the command did not wait: %v, %v", entries, err)
			}
			unlock()
			<-ended
			if _, err := os.Stat(filepath.Join(out, c.file)); err != nil {
				t.Errorf("%v: %s", err, stderr.String())
			}
			if name != "nested" && name != "none" && sameFile(scratch, scratch) {
				t.Error("the temporary folder of a killed command stays")
			}
		})
	}
}
