package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"go.yaml.in/yaml/v3"
)

// TestImage builds the functions' binary like the functions' image, and runs the demo in processes. Each process has a
// root folder with only this binary, and runs as the image's user.
func TestImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	user := buildImage(t, filepath.Join("..", "..", "functions", "Dockerfile"), "functions", image)

	contained := filepath.Join(dir, "contained")
	script := "#!/bin/sh\nexec env -u PROCESS_FOLDER chroot --userspec=" + user + " '" + image + "' /functions\n"
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

// buildImage builds the binary of an image into a root folder, with the command of its Dockerfile, and returns the
// image's user.
func buildImage(t *testing.T, file, name, root string) (user string) {
	t.Helper()
	switch chroot, err := exec.LookPath("chroot"); {
	case os.Getenv("HARVEST_IMAGE") == "":
		t.Skip("not tested: building all packages again without cgo takes minutes; set HARVEST_IMAGE to run this test")
	case os.Geteuid() != 0 || err != nil:
		t.Skipf("not tested: only root may chroot (%s, %v)", chroot, err)
	}
	dockerfile := readFile(t, file)
	build := regexp.MustCompile(`\nRUN (go build .*) -o /` + name + ` (\./\S+)`).FindStringSubmatch(dockerfile)
	users := regexp.MustCompile(`\nUSER (\d+:\d+)\n`).FindStringSubmatch(dockerfile)
	if build == nil || users == nil || !strings.Contains(dockerfile, "ENV CGO_ENABLED=0") {
		t.Fatal("the Dockerfile does not say how the binary is built, or who runs it")
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, name)
	cmd := exec.Command("sh", "-c", build[1]+" -o '"+binary+"' "+build[2])
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", build[1], err, said)
	}
	checkStatic(t, binary)
	return users[1]
}

// TestImageOfCommand builds the binary of the command line like the image of the command line. As the image's user, it
// serves the demo with the command of compose.yaml. Its root folder has only the binary, the folder of the data, /tmp
// and /dev/null.
func TestImageOfCommand(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "image")
	user := buildImage(t, "Dockerfile", "harvest", root)
	id, _, _ := strings.Cut(user, ":")
	owner, err := strconv.Atoi(id)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(root, "data")
	dropDemo(t, data)
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	own(t, data, owner)
	own(t, filepath.Join(root, "tmp"), owner)
	null := filepath.Join(root, "dev", "null") // each container has this device
	if err := os.Mkdir(filepath.Dir(null), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mknod", "-m", "666", null, "c", "1", "3").Run(); err != nil {
		t.Skipf("not tested: no device can be made (%v)", err)
	}
	var compose struct {
		Services map[string]struct {
			Command []string `yaml:"command"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join("..", "compose.yaml"))), &compose); err != nil {
		t.Fatal(err)
	}
	command := strings.NewReplacer("${HARVEST_BUDGET:-30%}", "30%", "0.0.0.0:8080", "127.0.0.1:0").
		Replace(strings.Join(compose.Services["harvest"].Command, " "))
	args := append([]string{"--userspec=" + user, root, "/harvest"}, strings.Fields(command)...)
	s := &server{cmd: exec.Command("chroot", args...)}
	s.cmd.Env = []string{"XDG_CACHE_HOME=/data/.cache"}
	s.cmd.Stdout, s.cmd.Stderr = &s.events, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // after a failure the process still runs
	if got := s.event(t, events.SelectionCompleted); got.Data.Selected != 77 {
		t.Errorf("selected %d", got.Data.Selected)
	}
	until(t, "the subset", func() bool {
		_, err := os.Stat(filepath.Join(data, "subsets", "demo", "report.html"))
		return err == nil
	})
	s.stop(t)
	if left, err := os.ReadDir(root); err != nil || len(left) != 4 {
		t.Errorf("the image's folder has %v: %v", left, err)
	}
}

// own makes the user with this number the owner of a folder and of all files in it.
func own(t *testing.T, folder string, owner int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, owner, owner)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkStatic checks that a binary is linked statically.
func checkStatic(t *testing.T, binary string) {
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
