package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of a few pages. It skips the test if this user may not mount.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestDiskFull fills the disk of the state folder, and then the disk of the output folder. The command ends
// immediately. After space was freed, the same command completes.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"state", "out"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			dir, small := t.TempDir(), smallDisk(t, "1m")
			newDataset(t, dir, 10, 8)
			ballast := filepath.Join(small, ".ballast")
			folders := map[string]string{"state": "state", "out": "out"}
			folders[which] = small
			// The remaining space is enough to begin.
			left := map[string]int{"state": 64 << 10, "out": 0}[which]
			writeFile(t, ballast, string(make([]byte, 1<<20-left)))
			args := []string{
				"curate", "--state", folders["state"], "--out", folders["out"], "--budget", "2", "--quiet", "dataset.json",
			}
			start := time.Now()
			a := harvest(t, dir, nil, args...)
			if a.status != 1 || time.Since(start) > time.Minute {
				t.Errorf("status %d after %v: %s", a.status, time.Since(start), a.stderr)
			}
			says(t, a.stderr, small, "no space left on device", "free space")
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			if a := harvest(t, dir, nil, args...); a.status != 0 {
				t.Errorf("with space: status %d: %s", a.status, a.stderr)
			}
		})
	}
}

// TestDiskFullWhileReplacing fills the disk of an output folder that has a selection, before and while the selection is
// replaced. The error says whether the earlier selection stays.
func TestDiskFullWhileReplacing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		left    int // free bytes
		want    string
		replace bool
	}{
		"before": {0, "; the subset of an earlier command stays in ", false},
		"while": {40 << 10, "; some files of the earlier selection are already replaced, so there is no complete selection " +
			"in ", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, out := t.TempDir(), smallDisk(t, "1m")
			newDataset(t, dir, 100, 8)
			curate := func(budget string) answer {
				return harvest(t, dir, nil, "curate", "--state", "state", "--out", out, "--budget", budget, "dataset.json")
			}
			if a := curate("20"); a.status != 0 {
				t.Fatal(a.stderr)
			}
			fill(t, out, tt.left)
			a := curate("70")
			if a.status != 1 {
				t.Errorf("status %d: %s", a.status, a.stderr)
			}
			says(t, a.stderr, "no space left on device", "free space", tt.want+out)
			if there := holdsSelection(out); there == tt.replace {
				t.Errorf("the folder has a complete selection: %v", there)
			}
		})
	}
}

// fill leaves only some free bytes on a small disk.
func fill(t *testing.T, disk string, left int) {
	t.Helper()
	var space syscall.Statfs_t
	if err := syscall.Statfs(disk, &space); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(disk, ".ballast"), string(make([]byte, int(space.Bavail)*int(space.Bsize)-left)))
}

// TestUnreadableManifest curates a manifest that the user may not read. The command reports the error before it begins
// any work.
func TestUnreadableManifest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dataset.json")
	writeFile(t, file, "[]")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	err := asNobody(t, func() error { return readable(file) })
	if !errors.Is(err, syscall.EACCES) || err.Error() != "permission denied" {
		t.Errorf("%v, want permission denied", err)
	}
}

// TestForbiddenFolder makes an output folder in a folder where the user may not write. The error names the folder that
// exists.
func TestForbiddenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	err := asNobody(t, func() error { return makeOut(filepath.Join(dir, "x", "y")) })
	if err == nil || !strings.Contains(err.Error(), "folder "+dir+": permission denied; let this user") {
		t.Errorf("the error does not name %s: %v", dir, err)
	}
}

// asNobody calls do with the rights of another user.
func asNobody(t *testing.T, do func() error) error {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this process cannot take the rights of another user")
	}
	faults := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread, and its rights, end with the goroutine
		if err := syscall.Setfsuid(65534); err != nil {
			faults <- err
			return
		}
		faults <- do()
	}()
	return <-faults
}
