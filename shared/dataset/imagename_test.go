package dataset

import (
	"strings"
	"testing"
)

func TestCleanImageName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png":                   "a.png",
		"coco/train2017/1.jpg":    "coco/train2017/1.jpg",
		"./a//b/../c.png":         "a/c.png",
		"a/b/../../c.png":         "c.png",
		"..a/...png":              "..a/...png",
		"12:30.png":               "12:30.png",
		"clip_1:7.png":            "clip_1:7.png",
		"a/b:c.png":               "a/b:c.png",
		"Bild äöü 图.png":          "Bild äöü 图.png",
		"gs://bucket/a/../b":      "gs://bucket/a/../b",
		strings.Repeat("x", 1024): strings.Repeat("x", 1024),
	} {
		if got, err := CleanImageName(name); got != want || err != nil {
			t.Errorf("CleanImageName(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{
		"", ".", "..", "a/..", "../a.png", "a/../../b.png", "/etc/passwd", "//a",
		"http://host/a.png", "https://host/a.png", "file:/etc/passwd", "s3://bucket/a.png", "GS://bucket/a.png",
		"C:/a.png", `C:\a.png`, `..\a.png`, `a\b.png`, "gs://", "gs://bucket", "gs://bucket/", "gs:///a.png", "gs:a.png",
		"a\x00.png", "gs://bucket/a\n.png", "a\xff.png", strings.Repeat("x", 1025),
	} {
		if got, err := CleanImageName(name); err == nil || got != "" {
			t.Errorf("CleanImageName(%q) = %q, want an error", name, got)
		} else if !strings.Contains(err.Error(), ";") {
			t.Errorf("CleanImageName(%q): %q gives no fix", name, err)
		}
	}
}
