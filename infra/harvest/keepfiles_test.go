package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// TestOutInState gives --out the state folder, and folders of its runs. Other folders in it are allowed.
func TestOutInState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 4, 8)
	made := curateJSON(t, dir, "--state", "state", "--budget", "2", "--out", "out", "dataset.json")
	before := filesIn(t, filepath.Join(dir, "state"))
	for _, out := range []string{"state", "./state", "state/runs/new", "state/runs/" + made.Run} {
		for _, command := range [][]string{
			{"curate", "--budget", "2", "dataset.json"}, {"select", "--budget", "2", made.Run},
			{"export-subset", "--for", "trl", made.Run, "latest"},
		} {
			a := harvest(t, dir, nil, append(command, "--state", "state", "--out", out)...)
			if a.status != 2 || !strings.Contains(a.stderr, "--out "+out+": harvest keeps its runs there") {
				t.Errorf("%q --out %s: status %d: %s", command, out, a.status, a.stderr)
			}
		}
	}
	if diff := cmp.Diff(before, filesIn(t, filepath.Join(dir, "state"))); diff != "" {
		t.Errorf("state folder (-before +after):\n%s", diff)
	}
	mustHarvest(t, dir, "select", "--budget", "2", made.Run, "--state", "state", "--out", "state/out")
}

// TestNoState types a state folder that does not exist. No command that needs a run creates the folder.
func TestNoState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, command := range [][]string{
		{"explain", "x", "latest", "a"}, {"show", "x", "a"}, {"select", "x", "--budget", "1", "--out", "out"},
		{"resume", "x"}, {"retry", "x"}, {"compare", "x", "a", "b"}, {"rm", "x"}, {"clusters", "x", "latest"},
		{"review", "x", "a"}, {"export-subset", "x", "latest", "--for", "trl", "--out", "out"}, {"status", "x"},
	} {
		a := harvest(t, dir, nil, append(command, "--state", "none")...)
		if a.status != 2 || !strings.Contains(a.stderr, "no such run: x; `harvest status --state none` lists") {
			t.Errorf("%q: status %d: %s", command, a.status, a.stderr)
		}
	}
	says(t, mustHarvest(t, dir, "status", "--state", "none").stdout, "no runs yet")
	if left := filesIn(t, dir); len(left) > 0 {
		t.Errorf("the commands left %q", left)
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

// TestKeepOtherPages names files that compare must not replace by its page.
func TestKeepOtherPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 6, 8)
	made := curateJSON(t, dir, "--state", "state", "--budget", "2", "--out", "out", "dataset.json")
	mustHarvest(t, dir, "select", "--state", "state", "--budget", "3", "--out", "other", made.Run)
	const exists = "the file exists, and this command did not write it"
	for _, tt := range []struct{ file, want string }{
		{"dataset.json", exists}, {"out/subset.json", exists}, {"out/report.html", exists},
		{"state/runs/" + made.Run + "/plan.json", "harvest keeps its runs there"}, {"out", "it is a folder"},
	} {
		before, _ := os.ReadFile(filepath.Join(dir, tt.file))
		a := harvest(t, dir, nil, "compare", "--state", "state", made.Run, made.Selection, "latest", "--report="+tt.file)
		if a.status != 2 || !strings.HasPrefix(a.stderr, "harvest: --report "+tt.file+": "+tt.want) {
			t.Errorf("%s: status %d: %s", tt.file, a.status, a.stderr)
		}
		if after, _ := os.ReadFile(filepath.Join(dir, tt.file)); !bytes.Equal(before, after) {
			t.Errorf("%s was replaced", tt.file)
		}
	}
	for _, args := range [][]string{
		{made.Run, made.Selection, "--report", "page.html"}, {"--report", "page.html", made.Run, made.Selection, "latest"},
	} {
		a := harvest(t, dir, nil, append([]string{"compare", "--state", "state"}, args...)...)
		if a.status != 2 || !strings.Contains(a.stderr, "--report=page.html") {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}

// TestKeepTrainingFiles gives train files that it must not replace: of other programs, of a run, and one file twice. It
// replaces files that it wrote.
func TestKeepTrainingFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	embedded := filepath.Join("..", "..", "shared", "scorer", "embedded")
	writeFile(t, in("w.zst"), readFile(t, filepath.Join(embedded, "weights.zst")))
	writeFile(t, in("base.br"), readFile(t, filepath.Join(embedded, "training", "base.br")))
	writeFile(t, in("thesis.txt"), "thesis")
	writeFile(t, in("x/runs/demo-0/plan.json"), "{}")
	if err := os.Symlink(in("x/runs/demo-0"), in("run")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ out, base, want string }{
		{"w.zst", "base.br", ""}, {"new.zst", "new.br", ""}, {"w.zst", "", ""},
		{"w.zst", "w.zst", "--base"}, {"new.zst", "y/../new.json", "--base"},
		{"thesis.txt", "", "--out"}, {"new.zst", "thesis.txt", "--base"},
		{"base.br", "", "--out"}, {"new.zst", "w.zst", "--base"},
		{"new.zst", "x/runs/demo-0/plan.json", "--base"}, {"run/scores/new.zst", "", "--out"},
	} {
		f := trainFiles{weights: in(tt.out)}
		if tt.base != "" {
			f.base = in(tt.base)
		}
		err := f.keepInputs(input{})
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("--out %s --base %s: error %v, want %q", tt.out, tt.base, err, tt.want)
		}
	}
	if err := exec.Command("mkfifo", in("pipe")).Run(); err != nil {
		t.Fatal(err)
	}
	err := trainFiles{weights: in("pipe")}.keepInputs(input{}) // reading the pipe would wait forever
	if err == nil || !strings.Contains(err.Error(), "it is a device or a pipe") {
		t.Errorf("a pipe: %v", err)
	}
	if err := keepFiles("out", os.DevNull); err == nil {
		t.Error("a device may be replaced")
	}
}

// TestWriteNamed writes to a link. The link stays, and the file to which it leads is written.
func TestWriteNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	writeFile(t, file, "before")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := writeNamed(link, contentOf([]byte("after"))); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != "file" || readFile(t, file) != "after" {
		t.Errorf("the link leads to %q (%v), the file has %q", target, err, readFile(t, file))
	}
	err := writeNamed(filepath.Join(dir, "none", "file"), contentOf(nil))
	if err == nil || !strings.Contains(err.Error(), filepath.Join("none", "file")+": no such file") {
		t.Errorf("a folder that does not exist: %v", err)
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
