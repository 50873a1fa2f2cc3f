package bucket_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestLockFile locks a file that is opened twice. The lock ends when the first is closed.
func TestLockFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	var files [2]*os.File
	for i := range files {
		var err error
		if files[i], err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	if err := bucket.LockFile(files[0]); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no locks that end with their process")
	} else if err != nil {
		t.Fatal(err)
	}
	if err := bucket.LockFile(files[1]); !errors.Is(err, bucket.ErrLocked) {
		t.Errorf("a locked file: %v", err)
	}
	if err := files[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := bucket.LockFile(files[1]); err != nil {
		t.Error(err)
	}
}
