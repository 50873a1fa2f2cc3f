package gs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
)

func TestOpenFolders(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"", "file://", "file://localhost"} {
		dir := filepath.Join(t.TempDir(), "new", "bucket")
		b, err := OpenURL(t.Context(), scheme+dir)
		if err != nil {
			t.Fatal(err)
		}
		buckettest.Put(t, b, "a", []byte("content"))
		if got, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(got) != "content" {
			t.Errorf("%s: the folder has %q, %v", scheme, got, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "gs://", "gs:///", "gs://bucket/prefix", "s3://bucket", "file://", "file://host/path", "file://%zz",
	} {
		if b, err := OpenURL(t.Context(), address); err == nil {
			t.Errorf("%q opened as %T", address, b)
		}
	}
}
