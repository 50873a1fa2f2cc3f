package bucket_test

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
)

// newView returns a view of two manifests, a generated description and a folder of images behind links.
func newView(t *testing.T) *bucket.View {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "my data.json"), "[]")
	writeFile(t, filepath.Join(dir, "secret"), "secret")
	writeFile(t, filepath.Join(dir, "disk", "pictures", "a.jpg"), "a")
	writeFile(t, filepath.Join(dir, "disk", "pictures", "a", "b.jpg"), "b")
	writeFile(t, filepath.Join(dir, "disk", "more", "c.jpg"), "c")
	symlink(t, filepath.Join(dir, "disk", "pictures"), filepath.Join(dir, "images"))
	symlink(t, filepath.Join(dir, "disk", "more"), filepath.Join(dir, "disk", "pictures", "more"))
	symlink(t, filepath.Join(dir, "disk", "more", "c.jpg"), filepath.Join(dir, "disk", "pictures", "d.jpg"))
	symlink(t, filepath.Join(dir, "disk"), filepath.Join(dir, "disk", "more", "round"))
	symlink(t, "nowhere", filepath.Join(dir, "disk", "pictures", "broken.jpg"))
	v, err := bucket.NewView(map[string]bucket.Content{
		"datasets/d/dataset.yaml":    bucket.Literal([]byte("images: images/d/\n")),
		"datasets/d/parts/one.json":  bucket.AtFile(filepath.Join(dir, "my data.json")),
		"datasets/d/parts/gone.json": bucket.AtFile(filepath.Join(dir, "gone.json")),
		"images/d/":                  bucket.AtFolder(filepath.Join(dir, "images")),
		"images/e/":                  bucket.AtFolder(filepath.Join(dir, "no such folder")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestView(t *testing.T) {
	t.Parallel()
	v := newView(t)
	for name, want := range map[string]string{
		"datasets/d/dataset.yaml":            "images: images/d/\n",
		"datasets/d/parts/one.json":          "[]",
		"images/d/a.jpg":                     "a",
		"images/d/a/b.jpg":                   "b",
		"images/d/more/c.jpg":                "c",
		"images/d/d.jpg":                     "c",
		"images/d//a/./b.jpg":                "b",
		"images/d/x/../a.jpg":                "a",
		"images/x/../d/a.jpg":                "a",
		"images/d/more/round/pictures/a.jpg": "a",
	} {
		if got := string(buckettest.Get(t, v, name)); got != want {
			t.Errorf("%s reads %q, want %q", name, got, want)
		}
		attrs, err := v.Stat(t.Context(), name)
		if err != nil || attrs.Size != int64(len(want)) || attrs.Generation == 0 {
			t.Errorf("Stat(%s) = %+v, %v", name, attrs, err)
		}
		r, err := v.Open(t.Context(), name, attrs.Generation, 1, 3)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want[1:min(4, len(want))] {
			t.Errorf("%s from 1 on: %q, %v", name, got, err)
		}
		r.Close()
		if _, err := v.Open(t.Context(), name, attrs.Generation+1, 0, -1); !errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("another generation of %s: %v, want ErrNotExist", name, err)
		}
	}
	for _, name := range append([]string{
		"datasets/d/parts/gone.json", "datasets/d/parts", "datasets/d/dataset.yaml/x", "images/d", "images/d/", "images/d/a",
		"images/d/broken.jpg", "images/d/../secret", "images/d/../../secret", "/images/d/a.jpg", "images/e/a.jpg",
		"images/f/a.jpg",
		"images/d/" + strings.Repeat("x", 300),
	}, buckettest.BadNames()...) {
		buckettest.MustBeAbsent(t, v, name)
	}
}

func TestViewList(t *testing.T) {
	t.Parallel()
	v := newView(t)
	all := []string{
		"datasets/d/dataset.yaml", "datasets/d/parts/one.json", "images/d/a.jpg", "images/d/a/b.jpg", "images/d/d.jpg",
		"images/d/more/c.jpg", "images/d/more/round/more/c.jpg", "images/d/more/round/pictures/a.jpg",
		"images/d/more/round/pictures/a/b.jpg", "images/d/more/round/pictures/d.jpg",
	}
	if diff := cmp.Diff(all, list(t, v, "", "")); diff != "" {
		t.Fatalf("List (-want +got):\n%s", diff)
	}
	for _, prefix := range []string{
		"", "d", "datasets/d/", "datasets/d/parts/o", "images", "images/d/", "images/d/a", "images/d/a/",
		"images/d/more/", "images/e/", "x", "images/d/../",
	} {
		for _, after := range append([]string{"", "datasets/e", "images/", "images/d/", "images/d/b", "images/d0"}, all...) {
			var want []string
			for _, name := range all {
				if strings.HasPrefix(name, prefix) && name > after {
					want = append(want, name)
				}
			}
			if diff := cmp.Diff(want, list(t, v, prefix, after)); diff != "" {
				t.Errorf("List(%q, %q) (-want +got):\n%s", prefix, after, diff)
			}
		}
	}
	for attrs, err := range v.List(t.Context(), "", "") {
		stat, errStat := v.Stat(t.Context(), attrs.Name)
		if diff := cmp.Diff(stat, attrs); err != nil || errStat != nil || diff != "" {
			t.Errorf("%v, %v (-stat +list):\n%s", errStat, err, diff)
		}
		if !slices.Contains(all, attrs.Name) {
			break
		}
	}
}

func TestNewViewRefuses(t *testing.T) {
	t.Parallel()
	for _, entries := range []map[string]bucket.Content{
		{"": bucket.Literal(nil)},
		{"/": bucket.AtFolder("x")},
		{"../a": bucket.AtFile("x")},
		{"a/": bucket.AtFile("x")},
		{"a/": bucket.Literal(nil)},
		{"a": bucket.AtFolder("x")},
		{"a//": bucket.AtFolder("x")},
		{"a/": bucket.AtFolder("x"), "a/b": bucket.AtFile("y")},
		{"a/": bucket.AtFolder("x"), "a/b/c/": bucket.AtFolder("y")},
		{"a": bucket.AtFile("x"), "a/b": bucket.AtFile("y")},
		{"a": bucket.AtFile("x"), "a/": bucket.AtFolder("y")},
	} {
		if _, err := bucket.NewView(entries); !errors.Is(err, bucket.ErrName) {
			t.Errorf("%v: %v, want ErrName", entries, err)
		}
	}
	_, err := bucket.NewView(map[string]bucket.Content{"a//b": bucket.Literal(nil), "../c": bucket.Literal(nil)})
	if err == nil || !strings.Contains(err.Error(), "a//b") || !strings.Contains(err.Error(), "../c") {
		t.Errorf("%v, want both names", err)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	view, err := bucket.NewView(map[string]bucket.Content{"images/d/": bucket.AtFolder(dir), "file": bucket.Literal(nil)})
	if err != nil {
		t.Fatal(err)
	}
	folder := newFolder(t, dir)
	for _, test := range []struct {
		on           bucket.OnDisk
		prefix, want string
	}{
		{view, "images/d/", dir}, {view, "images/d/x/", ""}, {view, "images/", ""}, {view, "file", ""},
		{folder, "images/d/", filepath.Join(dir, "images", "d")}, {folder, "images/d", ""}, {folder, "../", ""},
	} {
		if got := test.on.Path(test.prefix); got != test.want {
			t.Errorf("%T.Path(%q) = %q, want %q", test.on, test.prefix, got, test.want)
		}
	}
}

// TestViewOfBackslashes checks that a View finds users' files whose names have backslashes.
func TestViewOfBackslashes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, `a\b.jpg`), "a")
	view, err := bucket.NewView(map[string]bucket.Content{"images/d/": bucket.AtFolder(dir)})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(buckettest.Get(t, view, `images/d/a\b.jpg`)); got != "a" {
		t.Errorf("read %q", got)
	}
	if got := list(t, view, "images/d/", ""); len(got) != 1 || got[0] != `images/d/a\b.jpg` {
		t.Errorf("listed %q", got)
	}
	if _, err := bucket.NewView(map[string]bucket.Content{`images\d/`: bucket.AtFolder(dir)}); err == nil {
		t.Error("an entry with a backslash in its own name was accepted")
	}
}

// TestViewOfFolder reads a part of a Folder through a View. Links out of the Folder are errors, and objects are listed.
func TestViewOfFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"in/a/1", "in/a/b/2", "in/c/3", "out"} {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), name)
	}
	symlink(t, "../../out", filepath.Join(dir, "in", "a", "out"))
	symlink(t, "../c/3", filepath.Join(dir, "in", "a", "within"))
	folder, err := bucket.OpenFolder(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	view, err := bucket.NewView(map[string]bucket.Content{"images/d/": folder.Content("a/")})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"1": "in/a/1", "b/2": "in/a/b/2", "within": "in/c/3"} {
		data, err := bucket.ReadAll(t.Context(), view, "images/d/"+name)
		if err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	_, err = view.Stat(t.Context(), "images/d/out")
	if _, link := errors.AsType[*bucket.LinkError](err); !link {
		t.Errorf("a link that leads out: %v", err)
	}
	if _, err := view.Stat(t.Context(), "images/d/../c/3"); !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("a name that leads out: %v", err)
	}
	for after, want := range map[string][]string{
		"":             {"images/d/1", "images/d/b/2", "images/d/out", "images/d/within"},
		"images/d/b/2": {"images/d/out", "images/d/within"},
	} {
		var names []string
		for attrs, err := range view.List(t.Context(), "images/", after) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, attrs.Name)
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("listed after %q (-want +got):\n%s", after, diff)
		}
	}
	if path := view.Path("images/d/"); path != filepath.Join(dir, "in", "a") {
		t.Errorf("the folder is %s", path)
	}
}
