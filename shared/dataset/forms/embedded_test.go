package forms_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// TestEmbeddedImages reads references to images of a container. In a text manifest they are what a user wrote.
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
		code := ""
		if s.Problem != nil {
			code = string(s.Problem.Code)
		}
		if diff := cmp.Diff(tc.images, s.Images); diff != "" || s.ID != tc.id || code != tc.code {
			t.Errorf("%s: id %s, problem %q; want %s, %q; images (-want +got):\n%s", name, s.ID, code, tc.id, tc.code, diff)
		}
	}
}
