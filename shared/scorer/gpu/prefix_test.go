package gpu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// UnmarshalJSON reads segments. The places of images must be in order, each once.
func (p *prefix) UnmarshalJSON(data []byte) error {
	var segments []json.RawMessage
	if err := json.Unmarshal(data, &segments); err != nil {
		return err
	}
	*p = prefix{""}
	for i, segment := range segments {
		if len(segment) > 0 && segment[0] == '"' {
			var text string
			if err := json.Unmarshal(segment, &text); err != nil {
				return err
			}
			(*p)[len(*p)-1] += text
			continue
		}
		at := place{Image: -1}
		dec := json.NewDecoder(bytes.NewReader(segment))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&at); err != nil {
			return fmt.Errorf("segment %d: %w", i, err)
		}
		if at.Image != len(*p)-1 {
			return fmt.Errorf("segment %d is the place of image %d, want %d", i, at.Image, len(*p)-1)
		}
		*p = append(*p, "")
	}
	return nil
}

// Images of a record are sent as places, at any position, and texts are sent unchanged: the word <image> in a text is
// text.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	const answer = `{"role": "assistant", "content": "As <image>."}`
	asked := func(content string) string {
		return `"messages": [{"role": "user", "content": ` + content + `}, ` + answer + `]`
	}
	tests := map[string]struct {
		record, want string
		images       []string
	}{
		"text alone": {asked(`"<image> or <b>?"`), `["Question: <image> or <b>? Answer: As <image>."]`, nil},
		"an image at a mark": {
			`"image": "a.png", "conversations": [{"from": "human", "value": "<image>\nWhy?"}, {"from": "gpt", "value": "So."}]`,
			`["Question: ",{"image":0},"\nWhy? Answer: So."]`, []string{"a.png"},
		},
		"a part in the middle": {
			asked(`[{"type": "text", "text": "Is <image> in "}, {"type": "image", "image": "a.png"}, ` +
				`{"type": "text", "text": ", or in "}, {"type": "image", "image": "b.png"}, ` +
				`{"type": "text", "text": "<image>?"}]`),
			`["Question: Is <image> in ",{"image":0},", or in ",{"image":1},"<image>? Answer: As <image>."]`,
			[]string{"a.png", "b.png"},
		},
		"an image in a turn that is not rated": {
			`"messages": [{"role": "system", "content": [{"type": "image", "image": "a.png"}]}, ` +
				`{"role": "user", "content": [{"type": "image", "image": "b.png"}, ` +
				`{"type": "text", "text": "Why?"}]}, ` + answer + `]`,
			`["Question: ",{"image":0},"Why? Answer: As <image>."]`, []string{"b.png"},
		},
		"images in a row": {
			asked(`[{"type": "image", "image": "a.png"}, {"type": "image", "image": "b.png"}]`),
			`["Question: ",{"image":0},{"image":1}," Answer: As <image>."]`, []string{"a.png", "b.png"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPrefix(t, tt.record, tt.want, tt.images)
		})
	}
}

// checkPrefix rates a record with these fields, and checks the prefix and the images that are sent for it.
func checkPrefix(t *testing.T, record, want string, images []string) {
	t.Helper()
	sample := forms.Parse([]byte(`{"id": "a", `+record+`}`), dataset.Place{})
	if sample.Problem != nil {
		t.Fatal(sample.Problem)
	}
	it := scorer.Item{Sample: sample}
	for _, img := range sample.Images {
		it.Images = append(it.Images, []byte(img.Name))
	}
	f := newFake(t)
	results, err := openAt(t, f.URL, options(t)).Rate(t.Context(), []scorer.Item{it})
	if err != nil || results[0].Code != "" {
		t.Fatalf("results %+v, error %v", results, err)
	}
	sent := f.batches[0][0]
	got, err := encode(sent.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("prefix (-want +got)\n%s", diff)
	}
	var sentImages []string
	for _, img := range sent.Images {
		sentImages = append(sentImages, string(img))
	}
	if !slices.Equal(sentImages, images) {
		t.Errorf("images %q, want %q", sentImages, images)
	}
}
