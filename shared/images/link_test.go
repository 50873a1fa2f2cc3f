package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// TestLinks checks that the fault of an image with a broken link in its path names the target of the link, in each kind
// of folder.
func TestLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, "bucket/images/d/real/a.png", "outside/a.png")
	at := filepath.Join(dir, "bucket", "images", "d")
	link(t, "real/a.png", filepath.Join(at, "good.png"))
	link(t, "real", filepath.Join(at, "folder.png"))
	link(t, "gone/b.png", filepath.Join(at, "dangling.png"))
	link(t, "gone", filepath.Join(at, "below"))
	link(t, "loop.png", filepath.Join(at, "loop.png"))
	link(t, filepath.Join(dir, "outside", "a.png"), filepath.Join(at, "out.png"))
	folder, err := bucket.OpenFolder(filepath.Join(dir, "bucket"))
	if err != nil {
		t.Fatal(err)
	}
	out := "image unreadable: out.png: it is a link out of the folder " + filepath.Join(dir, "bucket")
	for _, f := range []struct {
		*Fetcher
		out string
	}{{viewOf(t, at), ""}, {fetcherOf(t, folder), out}} {
		for name, want := range map[string]string{
			"good.png":     "",
			"folder.png":   "image unreadable: folder.png: a folder, or something else",
			"dangling.png": "image not found: dangling.png: " + at + "/dangling.png is a link to gone/b.png, ",
			"below/c.png":  "image not found: below/c.png: " + at + "/below is a link to gone, which does not exist",
			"loop.png":     "image unreadable: loop.png: " + at + "/loop.png is a link that leads back to itself",
			"out.png":      f.out,
			"none.png":     "image not found: none.png: it is not in " + at,
		} {
			_, fault, err := f.Locate(t.Context(), name)
			if err != nil || (fault == nil) != (want == "") || fault != nil && !strings.HasPrefix(fault.Reason(), want) {
				t.Errorf("%s: %v, %v; want %q", name, fault, err, want)
			}
			seen, err := f.Look(t.Context(), dataset.Image{Name: name})
			if err != nil || fault != nil && seen != string(fault.Code) {
				t.Errorf("%s has the state %q, %v, and its fault is %v", name, seen, err, fault)
			}
		}
	}
	sample := &dataset.Sample{Images: []dataset.Image{{Name: "out.png"}}}
	_, fault, err := fetcherOf(t, folder).Fetch(t.Context(), sample, nil, memorytest.Budget(t).NewHold(1))
	if err != nil || fault == nil || !strings.HasPrefix(fault.Reason(), out) {
		t.Errorf("%v, %v; want %s", fault, err, out)
	}
}
