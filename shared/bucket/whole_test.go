package bucket_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestReadWhole reads objects and files of exactly the limit, and of one byte more.
func TestReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, err := bucket.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("x"), 1000)
	if err := os.WriteFile(filepath.Join(dir, "a"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a")
	for name, read := range map[string]func(limit int64) ([]byte, error){
		"a":  func(limit int64) ([]byte, error) { return bucket.ReadWhole(t.Context(), folder, "a", limit) },
		file: func(limit int64) ([]byte, error) { return bucket.ReadWholeFile(file, limit) },
	} {
		if got, err := read(1000); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		_, err := read(999)
		large, ok := errors.AsType[*bucket.TooLargeError](err)
		if !ok || *large != (bucket.TooLargeError{Name: name, Size: 1000, Limit: 999}) ||
			large.Error() != name+" has 1000 bytes, and the limit is 999" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
