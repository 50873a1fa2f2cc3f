package main

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string][2]string{
		"gs://farm-work/runs/demo-1/subset.json":    {"gs://farm-work", "runs/demo-1/subset.json"},
		"gs://farm-work/runs/my data%20/a b.json":   {"gs://farm-work", "runs/my data%20/a b.json"},
		"file:///tmp/my%20work/runs/x/subset.json":  {"file:///tmp/my%20work/runs/x/", "subset.json"},
		"file:///tmp/my%20work/runs/x/a%20b%23.tar": {"file:///tmp/my%20work/runs/x/", "a b#.tar"},
		"runs/demo-1/subset.json":                   {"gs://older", "runs/demo-1/subset.json"},
	} {
		address, name, err := locate(uri, "gs://older")
		if got := [2]string{address, name}; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", uri, got, err, want)
		}
	}
	for _, uri := range []string{"gs://farm-work", "gs://farm-work/", "file:///tmp/", "file://%zz/a", "https://host/a"} {
		if address, name, err := locate(uri, "gs://older"); err == nil {
			t.Errorf("%s: %q and %q", uri, address, name)
		}
	}
}

// TestLocateFolder reads an object of a folder whose name has spaces.
func TestLocateFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my work #1")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "subset.json"), []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(dir, "subset.json"))}
	address, name, err := locate(uri.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	from, err := gs.OpenURL(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := from.Open(t.Context(), name, 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if data, err := io.ReadAll(body); err != nil || string(data) != "[]" {
		t.Errorf("read %q, %v", data, err)
	}
}

// TestClients opens a bucket twice, and checks that both calls return the same client.
func TestClients(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "localhost:1")
	c := clients{opened: map[string]bucket.Bucket{}}
	first, err := c.open(t.Context(), "gs://farm-work")
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.open(t.Context(), "gs://farm-work")
	if err != nil || first != second {
		t.Errorf("the second call opened the bucket again: %v", err)
	}
}
