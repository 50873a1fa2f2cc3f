package bucket

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"
)

// A damagedFS is a file system on a damaged disk.
type damagedFS struct {
	fstest.MapFS
	faults map[string]error
}

func (d damagedFS) Stat(name string) (fs.FileInfo, error) {
	if err := d.faults[name]; err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return d.MapFS.Stat(name)
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, root          error
		unreadable, machine bool
	}{
		{syscall.EIO, nil, true, false},
		{syscall.EACCES, nil, true, false},
		{syscall.EACCES, syscall.EACCES, false, true},
		{syscall.EIO, syscall.EIO, false, true},
		{syscall.EMFILE, nil, false, false},
		{syscall.ETIMEDOUT, nil, false, false},
	} {
		fsys := damagedFS{fstest.MapFS{"a": {}}, map[string]error{"a": test.file, ".": test.root}}
		_, err := openFile(fsys, "/data", "a")
		_, machine := errors.AsType[*MachineError](err)
		if errors.Is(err, ErrUnreadable) != test.unreadable || machine != test.machine || !errors.Is(err, test.file) {
			t.Errorf("%v, root %v: %v", test.file, test.root, err)
		}
	}
	r := faultReader{io.MultiReader(damagedReader{syscall.EIO})}
	if _, err := io.ReadAll(r); !errors.Is(err, ErrUnreadable) {
		t.Errorf("reading from a damaged disk: %v, want ErrUnreadable", err)
	}
}

type damagedReader struct{ err error }

func (r damagedReader) Read([]byte) (int, error) { return 0, r.err }
