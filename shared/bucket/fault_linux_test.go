package bucket

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// asNobody runs check with the file permissions of a user who owns no files, even if tests run as root.
func asNobody(check func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // without unlocking, so that the thread with the changed user ends
		syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
		check()
	}()
	<-done
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // only its owner may enter it otherwise
		t.Fatal(err)
	}
	for _, name := range []string{"closed.json", "closed/a", "open", "folder/a"} {
		file := filepath.Join(dir, "bucket", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := OpenFolder(filepath.Join(dir, "bucket"))
	if err != nil {
		t.Fatal(err)
	}
	view, err := NewView(map[string]Content{"b/": AtFolder(filepath.Join(dir, "bucket"))})
	if err != nil {
		t.Fatal(err)
	}
	removePermissions(t, filepath.Join(dir, "bucket", "closed.json"))
	removePermissions(t, filepath.Join(dir, "bucket", "closed"))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "bucket"), 0o755) })
	asNobody(func() {
		for _, r := range []struct {
			Reader
			prefix string
		}{{folder, ""}, {view, "b/"}} {
			for _, name := range []string{"closed.json", "closed/a"} {
				_, err := r.Open(t.Context(), r.prefix+name, 0, 0, -1)
				if !errors.Is(err, ErrUnreadable) || errors.Is(err, ErrNotExist) || !errors.Is(err, os.ErrPermission) {
					t.Errorf("%T, %s: %v, want ErrUnreadable", r.Reader, name, err)
				}
			}
			_, err := r.Stat(t.Context(), r.prefix+"folder")
			if !errors.Is(err, ErrUnreadable) || !errors.Is(err, ErrNotExist) {
				t.Errorf("%T, a folder: %v, want ErrUnreadable and ErrNotExist", r.Reader, err)
			}
			if _, err := r.Stat(t.Context(), r.prefix+"open"); err != nil {
				t.Errorf("%T, a file: %v", r.Reader, err)
			}
		}
		mustBeMachineFault(t, folder.Create(t.Context(), "new", func(io.Writer) error { return nil }), folder.root.Name())
		_, err := OpenFolder(filepath.Join(dir, "bucket", "below", "deeper")) // the fault names the folder that exists
		mustBeMachineFault(t, err, filepath.Join(dir, "bucket"))
	})
	removePermissions(t, filepath.Join(dir, "bucket"))
	asNobody(func() {
		_, err := folder.Stat(t.Context(), "open")
		mustBeMachineFault(t, err, folder.root.Name())
		_, err = view.Stat(t.Context(), "b/open")
		mustBeMachineFault(t, err, filepath.Join(dir, "bucket"))
		for _, err := range view.List(t.Context(), "", "") {
			mustBeMachineFault(t, err, filepath.Join(dir, "bucket"))
		}
	})
}

// removePermissions removes all permissions of a file.
func removePermissions(t *testing.T, file string) {
	t.Helper()
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk writes to /dev/full, where the disk is always full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	_, err = faultWriter{full, "/work"}.Write([]byte("x"))
	mustBeMachineFault(t, err, "/work")
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space on its disk") {
		t.Errorf("%v does not name the fix", err)
	}
}

// TestMachineFaultText checks that the text names the folder, the fault and the fix, but not the temporary file.
func TestMachineFaultText(t *testing.T) {
	t.Parallel()
	for number, fix := range map[syscall.Errno]string{
		syscall.ENOSPC: "no space left on device; free space on its disk, or use a folder on another disk",
		syscall.EDQUOT: "disk quota exceeded; free space within your disk quota, or use a folder on another disk",
		syscall.EROFS:  "read-only file system; mount its file system for writing, or use another folder",
		syscall.EFBIG:  "file too large; raise the limit on the size of a file (ulimit -f)",
		syscall.EACCES: "permission denied; let this user read and write it (chown, chmod), or use another folder",
	} {
		err := MachineFault("/work", &os.PathError{Op: "write", Path: "/work/.tmp/1", Err: number})
		mustBeMachineFault(t, err, "/work")
		if want := "folder /work: " + fix; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func mustBeMachineFault(t *testing.T, err error, folder string) {
	t.Helper()
	fault, ok := errors.AsType[*MachineError](err)
	if !ok || fault.Folder != folder || !strings.Contains(fault.Error(), "folder "+folder+": ") {
		t.Errorf("%v, want a MachineError of %s", err, folder)
	}
}
