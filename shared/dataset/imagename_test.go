package dataset

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanImageName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png":                        "a.png",
		"coco/train2017/1.jpg":         "coco/train2017/1.jpg",
		"./a//b/../c.png":              "a/c.png",
		"a/b/../../c.png":              "c.png",
		"..a/...png":                   "..a/...png",
		"12:30.png":                    "12:30.png",
		"clip_1:7.png":                 "clip_1:7.png",
		"clip:7.png":                   "clip:7.png",
		"C:a.png":                      "C:a.png",
		"a/b:c.png":                    "a/b:c.png",
		"Bild äöü 图.png":               "Bild äöü 图.png",
		"gs://bucket/a/../b":           "gs://bucket/a/../b",
		" gs://bucket/a\n":             "gs://bucket/a",
		strings.Repeat("x", 1024):      strings.Repeat("x", 1024),
		`a\b.png`:                      "a/b.png",
		`.\a\\b.png`:                   "a/b.png",
		" a b.png\r\n":                 "a b.png",
		"/data/../a.png":               "/a.png",
		"//data/a.png":                 "/data/a.png",
		"file:///data/a%20b%2Fc.png":   "/data/a b/c.png",
		"file:///data/100%.png":        "/data/100%.png",
		"FILE://localhost/data/a.png":  "/data/a.png",
		"file:/data/a.png":             "/data/a.png",
		"file:///C:/data/a.png":        "C:/data/a.png",
		`C:\data\..\..\a.png`:          "C:/a.png",
		"file:///data/%2e%2e/%2e%2e/a": "/a",
	} {
		if got, err := CleanImageName(name); got != want || err != nil {
			t.Errorf("CleanImageName(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range refusedNames {
		if got, err := CleanImageName(name); err == nil || got != "" {
			t.Errorf("CleanImageName(%q) = %q, want an error", name, got)
		} else if !strings.Contains(err.Error(), ";") {
			t.Errorf("CleanImageName(%q): %q gives no fix", name, err)
		}
	}
}

// refusedNames are image names that are refused.
var refusedNames = []string{
	"", " ", "\n", ".", "..", "a/..", "../a.png", " ../a.png", "a/../../b.png",
	`..\a.png`, `..\..\x`, `a\..\..\x`, `.\..\a`,
	"http://host/a.png", "https://host/a.png", "s3://bucket/a.png", "GS://bucket/a.png",
	"gs://", "gs://bucket", "gs://bucket/", "gs:///a.png", "gs:a.png",
	"file://host/a.png", "file://..", "file://../a.png", "file:a.png", "file:", "file://",
	"file:///a%00.png", "file:///%ff",
	"a\x00.png", "a\nb.png", "gs://bucket/a\n.png", "a\xff.png", strings.Repeat("x", 1025),
}

func TestImageNames(t *testing.T) {
	t.Parallel()
	folders := []string{"/data/im", "/disk1/im/"}
	for name, want := range map[string][]string{
		"a.png":                         {"a.png"},
		"./a.png":                       {"./a.png", "a.png"},
		`a\b.png`:                       {`a\b.png`, "a/b.png"},
		" a.png":                        {" a.png", "a.png"},
		"a.png\n":                       {"a.png"},
		"x/../a.png":                    {"a.png"},
		`x\..\a.png`:                    {"a.png"},
		"gs://bucket/a":                 {"gs://bucket/a"},
		"/data/im/a.png":                {"a.png"},
		" /data/im/a.png":               {"a.png"},
		"/data/im/../im/x/a.png":        {"x/a.png"},
		"/disk1/im/a.png":               {"a.png"},
		`\data\im\a.png`:                {"a.png"},
		"file:///data/im/a%20b.png":     {"a%20b.png", "a b.png"},
		"file:///data/im/a%2Fb.png":     {"a%2Fb.png", "a/b.png"},
		"file://localhost/data/im/a":    {"a"},
		"file:///data/im/100%.png":      {"100%.png"},
		"file:///data/x/%2e%2e/im/a":    {"a"},
		"file:///data/im/im/../../im/b": {"b"},
	} {
		if got, err := ImageNames(name, folders); err != nil || !slices.Equal(got, want) {
			t.Errorf("ImageNames(%q): %v (-want +got):\n%s", name, err, cmp.Diff(want, got))
		}
	}
	if got, err := ImageNames(`d:\im\x\a.png`, []string{`d:\im`}); err != nil || !slices.Equal(got, []string{"x/a.png"}) {
		t.Errorf("on Windows: %q, %v", got, err)
	}
	outside := []string{
		"/etc/passwd", "//a", "/data/im", "/data/im/", "/data/image/a.png", "/data/im/../a.png", "/data/im/../../etc/passwd",
		"C:/a.png", `C:\a.png`, `\\server\share\a.png`, "file:/etc/passwd", "file:///etc/passwd", "file:///data/im/%2e%2e/a",
		"file:///data/im/%2e%2e%2fa", `file:///data/im\..\a`, `/data/im\..\a`,
	}
	for _, name := range append(outside, refusedNames...) {
		for _, folders := range [][]string{folders, nil} {
			got, err := ImageNames(name, folders)
			if err == nil || got != nil {
				t.Errorf("ImageNames(%q, %q) = %q, want an error", name, folders, got)
			} else if !strings.Contains(err.Error(), ";") {
				t.Errorf("ImageNames(%q): %q gives no fix", name, err)
			}
		}
	}
}

func FuzzImageNames(f *testing.F) {
	for _, name := range append([]string{
		"a.png", `a\..\b`, "/data/im/a", "file:///data/im/%2e%2e/a", `\\?\C:\a`, "x:/../a", " ..", ".. ", "a/.. /b",
	}, refusedNames...) {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		names, err := ImageNames(name, []string{"/data/im", "C:/im"})
		if (err == nil) != (len(names) > 0) {
			t.Fatalf("%q: %q, %v", name, names, err)
		}
		for i, got := range names {
			slashes := strings.ReplaceAll(got, `\`, "/")
			inside := !strings.HasPrefix(slashes, "/") && !slices.Contains(strings.Split(slashes, "/"), "..")
			last := i == len(names)-1
			if !strings.HasPrefix(got, "gs://") && (!inside || last && !fs.ValidPath(got)) {
				t.Errorf("%q leads to %q", name, got)
			}
		}
	})
}

func TestTopFolder(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png": "", "coco/train/a.png": "coco", `coco\train\a.png`: "coco",
		" ./coco/a.png":          "coco", //nolint:gocritic // the test needs the blank
		"gs://bucket/coco/a.png": "coco", "gs://bucket/a.png": "", "/data/coco/a.png": "", "file:///data/coco/a.png": "",
		`C:\data\a.png`: "",
	} {
		if got := TopFolder(name); got != want {
			t.Errorf("TopFolder(%q) = %q, want %q", name, got, want)
		}
	}
}
