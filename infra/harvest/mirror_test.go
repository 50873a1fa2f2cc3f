package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/harvest-ml/harvest/shared/bucket"
)

// TestMirror copies a dataset. It copies the dataset again after a file has changed, and after a file was deleted.
func TestMirror(t *testing.T) {
	t.Parallel()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "input"})
	to := fake.Client().Bucket("input")
	dir := t.TempDir()
	put := func(name, content string) { writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), content) }
	from, err := bucket.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := newMirror(from, to)
	upload := func(object string) {
		t.Helper()
		if err := m.upload(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	generation := func(name, content string) int64 {
		t.Helper()
		r, err := to.Object(name).NewReader(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || string(got) != content {
			t.Errorf("%s holds %q, want %q: %v", name, got, content, err)
		}
		return r.Attrs.Generation
	}
	put("images/a/1.png", "image")
	put("datasets/a/parts/b.json", "[]")
	put("datasets/a/dataset.yaml", "manifests: [parts/b.json]")
	put("datasets/other/c.json", "[]")
	upload("datasets/a/dataset.yaml")
	image := generation("images/a/1.png", "image")
	manifest := generation("datasets/a/parts/b.json", "[]")
	spec := generation("datasets/a/dataset.yaml", "manifests: [parts/b.json]")
	if manifest < image || spec < manifest {
		t.Errorf("copied in another order: %d, %d, %d", image, manifest, spec)
	}
	if _, err := to.Object("datasets/other/c.json").Attrs(t.Context()); err == nil {
		t.Error("another dataset's manifest was copied")
	}
	put("datasets/a/parts/b.json", "[ ]")
	if err := os.Remove(filepath.Join(dir, "images", "a", "1.png")); err != nil {
		t.Fatal(err)
	}
	upload("datasets/a/parts/b.json")
	upload("datasets/a/gone.json")
	generation("datasets/a/parts/b.json", "[ ]")
	if generation("images/a/1.png", "image") != image ||
		generation("datasets/a/dataset.yaml", "manifests: [parts/b.json]") != spec {
		t.Error("unchanged objects were copied again")
	}
}
