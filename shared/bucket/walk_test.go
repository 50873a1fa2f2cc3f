package bucket

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestListReadsOnlyWhatItMust checks that a listing does not read folders without requested objects.
func TestListReadsOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a/1", "b/c/1", "b/c/2", "b/d/1", "e/1"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", []string{".", "a", "b", "b/c", "b/d", "e"}},
		{"b/", "", []string{"b", "b/c", "b/d"}},
		{"b/c", "", []string{"b", "b/c"}},
		{"b/c/", "", []string{"b/c"}},
		{"b/c/1", "", []string{"b/c"}},
		{"", "b/c/1", []string{".", "b", "b/c", "b/d", "e"}},
		{"", "b/c0", []string{".", "b", "b/d", "e"}},
		{"", "c", []string{".", "e"}},
		{"b/", "b/d", []string{"b", "b/d"}},
	} {
		fsys := watchedFS{os.DirFS(dir), new([]string)}
		walk{t.Context(), fsys, dir, test.prefix, test.after, func(Attrs, error) bool { return true }, CheckName}.run()
		if diff := cmp.Diff(test.want, *fsys.read); diff != "" {
			t.Errorf("List(%q, %q) reads (-want +got):\n%s", test.prefix, test.after, diff)
		}
	}
}

// A watchedFS records which folders are read.
type watchedFS struct {
	fs.FS
	read *[]string
}

func (w watchedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	*w.read = append(*w.read, name)
	return fs.ReadDir(w.FS, name)
}
