package images

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

// files writes empty files below a folder.
func files(tb testing.TB, dir string, names ...string) {
	tb.Helper()
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// viewOf returns a Fetcher of the images in a folder, as the command line opens it.
func viewOf(tb testing.TB, dir string) *Fetcher {
	tb.Helper()
	view, err := bucket.NewView(map[string]bucket.Content{
		"images/d/": bucket.AtFolder(dir), "images/other/": bucket.AtFolder(filepath.Dir(dir)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return fetcherOf(tb, view)
}

func fetcherOf(tb testing.TB, input bucket.Reader) *Fetcher {
	tb.Helper()
	f, err := New(Config{Input: input, Prefix: "images/d/", Limits: Limits{
		MaxBytes: 1 << 20, MaxPixels: 1 << 20,
		MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// A cloud is a bucket without a path on this machine.
type cloud struct{ bucket.Reader }

func TestLocate(t *testing.T) {
	t.Parallel()
	f := locateFixture(t)
	slashes, escaped, local, linked, remote := f.slashes, f.escaped, f.local, f.linked, f.remote
	f.check(t, []locateCase{
		{local, `a\b.jpg`, "a/b.jpg"},
		{local, `.\a\\b.jpg`, "a/b.jpg"},
		{local, "./a/../c.jpg", "c.jpg"},
		{local, "c.jpg \n", "c.jpg"},
		{local, " c.jpg", "c.jpg"},
		{local, " d.jpg", " d.jpg"},
		{local, `e\f.jpg`, `e\f.jpg`},
		{local, "clip:7.jpg", "clip:7.jpg"},
		{local, slashes + "/a/b.jpg", "a/b.jpg"},
		{local, strings.ReplaceAll(slashes, "/", `\`) + `\a\b.jpg`, "a/b.jpg"},
		{local, "file://" + slashes + "/a/b.jpg", "a/b.jpg"},
		{local, "file://" + escaped + "/a/b.jpg", "a/b.jpg"},
		{local, "file://localhost" + escaped + "/100%.jpg", "100%.jpg"},
		{local, "file://" + slashes + "/%41.jpg", "%41.jpg"},
		{local, "file://" + slashes + "/%63.jpg", "c.jpg"},
		{linked, f.link + "/c.jpg", "c.jpg"},
		{linked, slashes + "/c.jpg", "c.jpg"},
		{remote, `a\b.jpg`, "a/b.jpg"},
		{remote, slashes + "/c.jpg", "unsafe image name: " + slashes + `/c.jpg: "` + slashes + `/c.jpg" is absolute`},
	})
}

// TestLocateUnsafe checks that no name leads out of the folder.
func TestLocateUnsafe(t *testing.T) {
	t.Parallel()
	f := locateFixture(t)
	slashes, escaped := f.slashes, f.escaped
	for _, name := range []string{
		`..\..\x`,
		`..\secret.jpg`,
		" ../secret.jpg",
		"../other/secret.jpg",
		`a\..\..\d2\secret.jpg`,
		slashes + "/../secret.jpg",
		slashes + "2/x.jpg",
		"file://" + escaped + "/%2e%2e/secret.jpg",
		"file://" + escaped + "/..%2fsecret.jpg",
		"file:///etc/passwd",
		"file://host/x",
		"/etc/passwd",
	} {
		f.check(t, []locateCase{{f.local, name, "unsafe image name: "}})
	}
}

// TestLocateMissing checks that the reason of a missing image names a file with nearly the same name.
func TestLocateMissing(t *testing.T) {
	t.Parallel()
	f := locateFixture(t)
	local, remote, at := f.local, f.remote, f.local.folders[0]
	f.check(t, []locateCase{
		{local, "c.JPG", `image not found: c.JPG: it is not in ` + at + `, but c.jpg is`},
		{local, "a/B.jpeg", `image not found: a/B.jpeg: it is not in ` + at + `, but a/b.jpg is`},
		{local, `sub\img.jpg`, `image not found: sub\img.jpg: it is not in ` + at + `, but sub/IMG.JPEG is`},
		{remote, "a/B.jpeg", "image not found: a/B.jpeg: it is not in images/d/, but a/b.jpg is"},
		{local, "c.png", `image not found: c.png: it is not in ` + at + `; add it`},
		{local, "gone/c.jpg", `image not found: gone/c.jpg: it is not in ` + at + `; add it`},
		{remote, "c.png", "image not found: c.png: it is not in images/d/; add it there, then retry the run"},
	})
}

// A locateCase is the name of an image, and the name of its object below the images' prefix or the beginning of the
// fault's reason.
type locateCase struct {
	fetcher *Fetcher
	name    string
	want    string
}

// A located is a folder of images: its path with slashes and in a URL, a link to it, and Fetchers of the folder, of the
// link, and of a cloud bucket with the same images.
type located struct {
	slashes, escaped, link string
	local, linked, remote  *Fetcher
}

func locateFixture(t *testing.T) located {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "im ages")
	files(t, dir, "a/b.jpg", "c.jpg", " d.jpg", "d.jpg", `e\f.jpg`, "e/f.jpg", "100%.jpg", "%41.jpg", "A.jpg",
		"sub/IMG.JPEG", "clip:7.jpg")
	files(t, top, "secret.jpg", "im ages2/x.jpg")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	local := viewOf(t, dir)
	return located{
		slashes: filepath.ToSlash(dir), escaped: (&url.URL{Path: filepath.ToSlash(dir)}).EscapedPath(), link: link,
		local: local, linked: viewOf(t, link), remote: fetcherOf(t, cloud{viewOf(t, dir).input}),
	}
}

func (f located) check(t *testing.T, cases []locateCase) {
	t.Helper()
	for _, test := range cases {
		at, fault, err := test.fetcher.Locate(t.Context(), test.name)
		switch {
		case err != nil:
			t.Errorf("%q: %v", test.name, err)
		case fault == nil && at.Name != "images/d/"+test.want:
			t.Errorf("%q is %s, want %s", test.name, at.Name, test.want)
		case fault != nil && !strings.HasPrefix(fault.Reason(), test.want):
			t.Errorf("%q: %s, want %s", test.name, fault.Reason(), test.want)
		}
	}
}

// TestHintsAreBounded checks that large folders are not listed, and that only a few folders are listed.
func TestHintsAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range maxNearFolders + 1 {
		files(t, dir, fmt.Sprintf("%d/a.jpg", i))
	}
	var large []string
	for i := range maxNearObjects + 1 {
		large = append(large, fmt.Sprintf("large/%d.jpg", i))
	}
	files(t, dir, large...)
	f := fetcherOf(t, cloud{viewOf(t, dir).input})
	hint := func(name string) bool {
		_, fault, err := f.Locate(t.Context(), name)
		if err != nil || fault == nil {
			t.Fatalf("%s: %v, %v", name, fault, err)
		}
		return strings.Contains(fault.Detail, ", but ")
	}
	if hint("large/1.JPG") {
		t.Error("a large folder was listed")
	}
	for i := range maxNearFolders + 1 {
		if got, want := hint(fmt.Sprintf("%d/a.JPG", i)), i < maxNearFolders-1; got != want {
			t.Errorf("folder %d has a hint: %v, want %v", i, got, want)
		}
	}
	if !hint("0/A.jpg") || len(f.nearby.folders) != maxNearFolders {
		t.Errorf("%d folders are kept, want %d", len(f.nearby.folders), maxNearFolders)
	}
}

// A failing is a bucket in which reading an object fails before its end.
type failing struct {
	bucket.Reader
	err error
}

func (b failing) Open(context.Context, string, int64, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader("x"), errorReader{b.err})), nil
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestDamagedDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, "a.png")
	sample := &dataset.Sample{Images: []dataset.Image{{Name: "a.png"}}}
	damaged := fmt.Errorf("%w: %w", bucket.ErrUnreadable, syscall.EIO)
	hold := memorytest.Budget(t).NewHold(1)
	_, fault, err := fetcherOf(t, failing{viewOf(t, dir).input, damaged}).Fetch(t.Context(), sample, nil, hold)
	want := "image unreadable: a.png: the disk reports an error (input/output error); restore the file from a copy"
	if err != nil || fault == nil || fault.Reason() != want {
		t.Errorf("%v, %v, want %s", fault, err, want)
	}
	_, fault, err = fetcherOf(t, failing{viewOf(t, dir).input, io.ErrUnexpectedEOF}).Fetch(t.Context(), sample, nil, hold)
	if err == nil || fault != nil {
		t.Errorf("a broken connection: %v, %v, want a transient error", fault, err)
	}
}

func TestCheckNames(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	names := func(prefix string) (list []string) {
		for i := range 40 {
			list = append(list, fmt.Sprintf("%s%d.jpg", prefix, i))
		}
		return list
	}
	files(t, filepath.Join(top, "set", "coco", "train2017"), names("")...)
	files(t, filepath.Join(top, "set", "text"), "manifest.json")
	at := func(elements ...string) string { return filepath.Join(append([]string{top, "set"}, elements...)...) }
	for title, test := range map[string]struct {
		folder string
		names  []string
		want   NamesReport // without Names, Missed and Folder
		says   string
	}{
		"all there": {at("coco"), names("train2017/"), NamesReport{}, "all 40 images"},
		"one level too deep": {at("coco"), names("coco/train2017/"), NamesReport{Missing: 40, Fit: at()},
			"they are in " + at() + ": give --images " + at()},
		"one level too high":   {at("coco"), names(""), NamesReport{Missing: 40, Fit: at("coco", "train2017")}, ""},
		"of another separator": {at(), names(`train2017\`), NamesReport{Missing: 40, Fit: at("coco")}, ""},
		"next to the manifest": {at("text"), names("train2017/"), NamesReport{Missing: 40, Fit: at("coco")}, ""},
		"absolute, elsewhere": {at("text"), names(filepath.ToSlash(at("coco", "train2017")) + "/"),
			NamesReport{Missing: 40, Fit: at()}, ""}, // the folder's name is part of the path
		"a level that no folder has": {at("coco"), names("vg/train2017/"), NamesReport{Missing: 40, Surplus: "vg"},
			"without vg/: move them into a new folder vg there, or make a link of this name that leads back to them " +
				"(ln -s . " + at("coco", "vg")},
		"nowhere": {at("coco"), names("gone/"), NamesReport{Missing: 40}, "give the folder to which the names are relative"},
		"some missing": {at("coco"), append(names("train2017/"), names("gone/")[:30]...), NamesReport{Missing: 30},
			"30 of 70 images"},
		"none named": {at("coco"), nil, NamesReport{}, "all 0 images"},
	} {
		got, err := viewOf(t, test.folder).CheckNames(t.Context(), test.names)
		if err != nil {
			t.Errorf("%s: %v", title, err)
			continue
		}
		test.want.Names, test.want.Folder, test.want.Missed = len(test.names), test.folder, got.Missed
		if diff := cmp.Diff(test.want, got); diff != "" || (got.Missing > 0) != (len(got.Missed) > 0) {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
		if message := got.Message(); !strings.Contains(message, test.says) {
			t.Errorf("%s: %s, want %s", title, message, test.says)
		}
	}
	remote, err := fetcherOf(t, cloud{viewOf(t, at()).input}).CheckNames(t.Context(), names("vg/coco/train2017/"))
	if err != nil || remote.Surplus != "vg" || remote.Fit != "" || remote.Folder != "images/d/" {
		t.Errorf("in the cloud: %+v, %v", remote, err)
	}
}
