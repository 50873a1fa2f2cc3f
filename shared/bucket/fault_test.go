package bucket

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"
)

// damagedFS is a file system on a disk with damaged places.
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
		t.Errorf("reading a damaged place: %v, want ErrUnreadable", err)
	}
}

type damagedReader struct{ err error }

func (r damagedReader) Read([]byte) (int, error) { return 0, r.err }

func TestPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	view, err := NewView(map[string]Content{"images/d/": AtFolder(dir), "file": Literal(nil)})
	if err != nil {
		t.Fatal(err)
	}
	folder := newFolder(t, dir)
	for _, test := range []struct {
		on           OnDisk
		prefix, want string
	}{
		{view, "images/d/", dir}, {view, "images/d/x/", ""}, {view, "images/", ""}, {view, "file", ""},
		{folder, "images/d/", filepath.Join(dir, "images", "d")}, {folder, "images/d", ""}, {folder, "../", ""},
	} {
		if got := test.on.Path(test.prefix); got != test.want {
			t.Errorf("%T.Path(%q) = %q, want %q", test.on, test.prefix, got, test.want)
		}
	}
}

// TestViewOfBackslashes checks that users' files are found by names that objects of a Bucket cannot have.
func TestViewOfBackslashes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, `a\b.jpg`), "a")
	view, err := NewView(map[string]Content{"images/d/": AtFolder(dir)})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(get(t, view, `images/d/a\b.jpg`)); got != "a" {
		t.Errorf("read %q", got)
	}
	if got := list(t, view, "images/d/", ""); len(got) != 1 || got[0] != `images/d/a\b.jpg` {
		t.Errorf("listed %q", got)
	}
	if _, err := NewView(map[string]Content{`images\d/`: AtFolder(dir)}); err == nil {
		t.Error("an entry's own name has a backslash")
	}
}
