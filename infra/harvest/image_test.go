package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

// TestImage builds the functions' binary like their image, and runs the demo in processes. Each process has a root
// folder with only this binary, and runs as the image's user.
func TestImage(t *testing.T) {
	t.Parallel()
	switch chroot, err := exec.LookPath("chroot"); {
	case os.Getenv("HARVEST_IMAGE") == "":
		t.Skip("not tested: building everything again without cgo takes minutes; set HARVEST_IMAGE to run this test")
	case os.Geteuid() != 0 || err != nil:
		t.Skipf("not tested: only root may chroot (%s, %v)", chroot, err)
	}
	dockerfile := readFile(t, filepath.Join("..", "..", "functions", "Dockerfile"))
	build := regexp.MustCompile(`\nRUN (go build .*) -o /functions (\./functions)\n`).FindStringSubmatch(dockerfile)
	user := regexp.MustCompile(`\nUSER (\d+:\d+)\n`).FindStringSubmatch(dockerfile)
	if build == nil || user == nil || !strings.Contains(dockerfile, "ENV CGO_ENABLED=0") {
		t.Fatal("the Dockerfile does not say how the binary is built, or who runs it")
	}

	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	if err := os.Mkdir(image, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(image, "functions")
	cmd := exec.Command("sh", "-c", build[1]+" -o '"+binary+"' "+build[2])
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", build[1], err, said)
	}
	needsNothing(t, binary)

	contained := filepath.Join(dir, "contained")
	script := "#!/bin/sh\nexec env -u PROCESS_FOLDER chroot --userspec=" + user[1] + " '" + image + "' /functions\n"
	if err := os.WriteFile(contained, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	dropDemo(t, filepath.Join(dir, "input"))
	c := startCluster(t, dir, nil, "--functions", contained)
	if got := c.event(t, events.SelectionCompleted); got.Data.Selected != 77 {
		t.Errorf("selected %d", got.Data.Selected)
	}
	c.stop(t)
	if left, err := os.ReadDir(image); err != nil || len(left) != 1 {
		t.Errorf("the image's folder has %v: %v", left, err)
	}
}

// needsNothing checks that a binary is linked statically.
func needsNothing(t *testing.T, binary string) {
	t.Helper()
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, program := range file.Progs {
		if program.Type == elf.PT_INTERP {
			t.Error("the binary has an interpreter")
		}
	}
	if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %v", libraries)
	}
}
