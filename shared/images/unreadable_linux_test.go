package images

import (
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
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

func TestUnreadableImages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // only its owner may enter it otherwise
		t.Fatal(err)
	}
	files(t, dir, "secret.png", "closed/a.png", "folder.png/a.png", "a.png")
	if err := os.WriteFile(filepath.Join(dir, "a.png"), encode(t, png.Encode), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret.png", "closed"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	f := viewOf(t, dir)
	asNobody(func() {
		for name, want := range map[string]string{
			"secret.png":   "image unreadable: secret.png: this user may not read the file",
			"closed/a.png": "image unreadable: closed/a.png: this user may not read the file",
			"folder.png":   "image unreadable: folder.png: a folder, or something else",
			"a.png":        "",
		} {
			sample := &dataset.Sample{Images: []dataset.Image{{Name: name}}}
			_, fault, err := f.Fetch(t.Context(), sample, nil, memorytest.Budget(t).NewHold(1))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if got := fault; (got == nil) != (want == "") || got != nil && !strings.HasPrefix(got.Reason(), want) {
				t.Errorf("%s: %v, want %q", name, got, want)
			}
		}
	})
}
