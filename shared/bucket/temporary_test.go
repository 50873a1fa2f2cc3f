package bucket_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

func TestRemoveTemporary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for kind, b := range map[string]bucket.Bucket{"folder": newFolder(t, dir), "memory": bucket.NewMemory()} {
		for _, name := range []string{"runs/a/1", "tmp/a/b/1/x", "tmp/a/b/2", "tmp/a/bc/1", "tmp/d/e/1"} {
			if _, err := bucket.CreateBytes(t.Context(), b, name, nil); err != nil {
				t.Fatal(err)
			}
		}
		left := func() (names []string) {
			for attrs, err := range b.List(t.Context(), "", "") {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, attrs.Name)
			}
			return names
		}
		bucket.RemoveTemporary(t.Context(), b, "tmp/a/b/")
		bucket.RemoveTemporary(t.Context(), b, "tmp/a/b/")
		if diff := cmp.Diff([]string{"runs/a/1", "tmp/a/bc/1", "tmp/d/e/1"}, left()); diff != "" {
			t.Errorf("%s: remaining objects (-want +got):\n%s", kind, diff)
		}
		if _, err := bucket.CreateBytes(t.Context(), b, "tmp/a/b/2", nil); err != nil {
			t.Errorf("%s: creating an object again: %v", kind, err)
		}
		for _, prefix := range []string{"runs/a/", "tmp/a", "tmp/../runs/", "tmp/", "", "/", "tmp//"} {
			if err := b.(bucket.Remover).RemoveTemporary(t.Context(), prefix); !errors.Is(err, bucket.ErrName) {
				t.Errorf("%s: removing %q: %v", kind, prefix, err)
			}
		}
		for _, prefix := range []string{"tmp/a/b/", "tmp/a/bc/", "tmp/d/e/"} {
			bucket.RemoveTemporary(t.Context(), b, prefix)
		}
		if diff := cmp.Diff([]string{"runs/a/1"}, left()); diff != "" {
			t.Errorf("%s: remaining objects in the end (-want +got):\n%s", kind, diff)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of temporary objects stays: %v", err)
	}
}

// TestRemoveWhileCreating removes temporary objects while other objects are created in their folder, without an error.
func TestRemoveWhileCreating(t *testing.T) {
	t.Parallel()
	b := newFolder(t, t.TempDir())
	const creators, objects = 4, 50
	errs := make(chan error, creators)
	for c := range creators {
		go func() {
			var failed error
			for i := range objects {
				_, err := bucket.CreateBytes(t.Context(), b, fmt.Sprintf("tmp/run/selection/%d/%d", c, i), nil)
				failed = errors.Join(failed, err)
			}
			errs <- failed
		}()
	}
	for left := creators; left > 0; {
		bucket.RemoveTemporary(t.Context(), b, "tmp/run/selection/") // objects created in the meantime may stay
		select {
		case err := <-errs:
			left--
			if err != nil {
				t.Error(err)
			}
		default:
		}
	}
}
