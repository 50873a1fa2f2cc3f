package bucket_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestDelete deletes objects of the buckets of one machine. No empty folder stays, and the name can be used again.
func TestDelete(t *testing.T) {
	t.Parallel()
	folder, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for kind, b := range map[string]bucket.Bucket{"folder": folder, "memory": bucket.NewMemory()} {
		for _, name := range []string{"a/b/c", "a/b/d", "a/e"} {
			if _, err := bucket.CreateBytes(t.Context(), b, name, []byte(name)); err != nil {
				t.Fatal(err)
			}
		}
		deleter := b.(bucket.Deleter)
		for _, name := range []string{"a/b/c", "a/b/d", "a/b/d", "a/none", "a/e/none"} {
			if err := deleter.Delete(t.Context(), name); err != nil {
				t.Errorf("%s: deleting %s: %v", kind, name, err)
			}
		}
		for _, name := range []string{"", "../a", "a//e", ".tmp/x"} {
			if err := deleter.Delete(t.Context(), name); !errors.Is(err, bucket.ErrName) {
				t.Errorf("%s: deleting %q: %v, want ErrName", kind, name, err)
			}
		}
		var left []string
		for attrs, err := range b.List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, attrs.Name)
		}
		if diff := cmp.Diff([]string{"a/e"}, left); diff != "" {
			t.Errorf("%s: remaining objects (-want +got):\n%s", kind, diff)
		}
		if created, err := bucket.CreateBytes(t.Context(), b, "a/b", []byte("again")); !created || err != nil {
			t.Errorf("%s: in the place of a folder without objects: %t %v", kind, created, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := deleter.Delete(ended, "a/e"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: after the last deletion: %v", kind, err)
		}
	}
}
