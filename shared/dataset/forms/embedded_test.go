package forms_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// TestSourcesOfContainers checks the source of records that name no source: the folder of an image, or else the name of
// the file without the number of its shard.
func TestSourcesOfContainers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ manifest, image, want string }{
		{"train-00003-of-00128.parquet", "a.jpg", "train"}, {"demo_000017.tar", "a.jpg", "demo"},
		{"0017.tar", "a.jpg", "0017"}, {"v2.5-3.tar.gz", "a.jpg", "v2.5"},
		{"demo-1.tar", "coco/a.jpg", "coco"}, {"demo-1.tar", "./coco/x/a.jpg", "coco"},
		{"demo-1.tar", "/data/a.jpg", "demo"}, {"demo.tar", "", "demo"},
	} {
		raw := `{"image": {"path": "` + tc.image + `", "embedded": 0}, "conversations": [{"from": "human", "value": "Why?"}]}`
		if s := forms.Parse([]byte(raw), dataset.Place{Manifest: tc.manifest, Element: 1}); s.Source != tc.want {
			t.Errorf("%s with %q: source %q, want %q", tc.manifest, tc.image, s.Source, tc.want)
		}
	}
	raw := `{"conversations": [{"from": "human", "value": "Why?"}]}`
	if s := forms.Parse([]byte(raw), dataset.Place{Manifest: "demo-1.json", Element: 1, Line: 1}); s.Source != "demo-1" {
		t.Errorf("of text: source %q", s.Source)
	}
}

// TestEmbeddedImages reads references to images of a container. In a text manifest, such references are not supported:
// a user wrote them.
func TestEmbeddedImages(t *testing.T) {
	t.Parallel()
	asked := `"conversations": [{"from": "human", "value": "<image>Why?"}, {"from": "gpt", "value": "So."}]`
	inTar := dataset.Place{Manifest: "a.tar", Element: 1, Key: "000017"}
	inText := dataset.Place{Manifest: "a.json", Element: 1, Line: 1}
	for name, tc := range map[string]struct {
		raw    string
		place  dataset.Place
		images []dataset.Image
		id     string
		code   string
	}{
		"one": {
			`{"image": {"path": "a.jpg", "embedded": 2}, ` + asked + `}`, inTar,
			[]dataset.Image{{Embedded: 3, Path: "a.jpg"}}, "000017", "",
		},
		"list": {
			`{"id": 7, "images": [{"path": null, "embedded": 0}], ` + asked + `}`, inTar,
			[]dataset.Image{{Embedded: 1}}, "7", "",
		},
		"row": {
			`{"images": [{"path": null, "embedded": 0}], ` + asked + `}`, dataset.Place{Manifest: "a.parquet", Element: 3},
			[]dataset.Image{{Embedded: 1}}, "a.parquet#3", "",
		},
		"part": {
			`{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": ` +
				`{"url": "a.jpg", "embedded": 0}}]}, {"role": "assistant", "content": "So."}]}`, inTar,
			[]dataset.Image{{Embedded: 1, Path: "a.jpg"}}, "000017", "",
		},
		"no number": {`{"image": {"path": "a.jpg", "embedded": -1}, ` + asked + `}`, inTar, nil, "000017", "wrong_type"},
		"text": {
			`{"image": {"path": "a.jpg", "embedded": 2}, ` + asked + `}`, inText,
			[]dataset.Image{{Name: "a.jpg"}}, "a.json#1", "",
		},
	} {
		s := forms.Parse([]byte(tc.raw), tc.place)
		if s.Source != "a" {
			t.Errorf("%s: source %q", name, s.Source)
		}
		code := ""
		if s.Problem != nil {
			code = string(s.Problem.Code)
		}
		if diff := cmp.Diff(tc.images, s.Images); diff != "" || s.ID != tc.id || code != tc.code {
			t.Errorf("%s: id %s, problem %q; want %s, %q; images (-want +got):\n%s", name, s.ID, code, tc.id, tc.code, diff)
		}
	}
}
