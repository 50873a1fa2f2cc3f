package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestManifestInOut gives --out a folder with the manifest, which an earlier selection wrote. The command refuses the
// folder, because the manifest would be replaced while it is read.
func TestManifestInOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	curateJSON(t, dir, "--state", "state", "--budget", "4,8", "--out", "out", "dataset.json")
	manifest := filepath.Join("out", "8", "subset.json")
	before := readFile(t, filepath.Join(dir, manifest))
	again := curateJSON(t, dir, "--state", "state", "--budget", "2", "--images", ".", "--out", "other", manifest)
	for _, command := range [][]string{
		{"curate", "--images", ".", "--out", filepath.Join("out", "8"), manifest},
		{"curate", "--images", ".", "--out", "out", manifest},
		{"select", "--out", "out", again.Run},
	} {
		a := harvest(t, dir, nil, append(command, "--budget", "2", "--state", "state")...)
		if a.status != 2 || !strings.Contains(a.stderr, "holds the manifest") {
			t.Errorf("%q: status %d: %s", command, a.status, a.stderr)
		}
	}
	if after := readFile(t, filepath.Join(dir, manifest)); after != before {
		t.Error("the manifest was replaced")
	}
}

// TestKeepFiles gives --out files that the command reads, a folder, and an empty name.
func TestKeepFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "m.json"), `[{"id": "a", "conversations": []}]`)
	for _, command := range [][]string{
		{"annotate", "--scorer", "embedded", "--state", "state", "--out", "m.json", "m.json"},
		{"annotate", "--scorer", "embedded", "--state", "state", "--out", ".", "m.json"},
		{"annotate", "--scorer", "embedded", "--state", "state", "--out", "", "m.json"},
		{"select", "--budget", "1", "--scores", "s", "--manifest", "m.json", "--out", "m.json"},
		{"select", "--budget", "1", "--scores", "m.json", "--manifest", "x.json", "--out", "./m.json"},
	} {
		a := harvest(t, dir, nil, command...)
		if a.status != 2 || !strings.HasPrefix(a.stderr, "harvest: --out ") {
			t.Errorf("%q: status %d: %s", command, a.status, a.stderr)
		}
	}
}

// TestPrepareOutLeavesNothing checks that the next command removes the test file of a killed command.
func TestPrepareOutLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ownFile+"-try"), "x")
	if err := prepareOut(dir, "", nil); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ownFile+"*")); err != nil || len(left) > 0 {
		t.Errorf("left are %q, error %v", left, err)
	}
}

// TestCommandsCanBePasted uses a state folder whose name has a space.
func TestCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	if got := command("retry", "my state", "demo-1"); got != "harvest retry --state 'my state' demo-1" {
		t.Error(got)
	}
}
