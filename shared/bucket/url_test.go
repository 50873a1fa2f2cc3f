package bucket

import (
	"path/filepath"
	"testing"
)

func TestOpenFolders(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"", "file://", "file://localhost"} {
		dir := filepath.Join(t.TempDir(), "new", "bucket")
		b, err := Open(t.Context(), scheme+dir)
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, "a", []byte("content"))
		if got := string(get(t, newFolder(t, dir), "a")); got != "content" {
			t.Errorf("%s reads %q", scheme, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "gs://", "gs:///", "gs://bucket/prefix", "s3://bucket", "file://", "file://host/path", "file://%zz",
	} {
		if b, err := Open(t.Context(), address); err == nil {
			t.Errorf("%q opened as %T", address, b)
		}
	}
}
