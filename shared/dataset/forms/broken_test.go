package forms_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A brokenRecord is a record of a form, and the problem that it has.
type brokenRecord struct {
	raw    string
	code   reason.Code
	field  string
	detail string // a part of the problem's detail
}

// broken are invalid records of each form.
var broken = map[string][]brokenRecord{
	"LLaVA": {
		{`{"conversations": [{"from": "human", "value": "Why?"}]}`, dataset.NoAnswer, "conversations", "with role gpt"},
	},
	"LLaMA-Factory sharegpt": {
		{
			`{"images": ["a.png", "b.png"], "conversations": [{"from": "human", "value": "<image>"}, ` +
				`{"from": "gpt", "value": "b"}]}`,
			dataset.ImageCount, "", "1 <image> marks in the turns, but 2 images",
		},
	},
	"InternVL": {
		{
			`{"image": ["a.png", "b.png"], "conversations": [{"from": "human", "value": "<image-2><image-1>"}, ` +
				`{"from": "gpt", "value": "b"}]}`,
			dataset.ImageCount, "", "found the mark <image-2>",
		},
	},
	"Qwen-VL": {
		{
			`{"conversations": [{"from": "user", "value": "<img>http://a/b.png</img>"}, {"from": "assistant", "value": "b"}]}`,
			dataset.ImageNameUnsafe, "conversations[0].value", "is a URL",
		},
	},
	"ms-swift": {
		{
			`{"images": ["a.png"], "messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": ""}]}`,
			dataset.EmptyTurn, "messages[1].content", "blank",
		},
	},
	"OpenAI messages": {
		{`{"messages": [{"role": "user", "content": {"text": "a"}}]}`, dataset.WrongType, "messages[0].content", "an object"},
		{`{"messages": [{"role": "boss", "content": "a"}]}`, dataset.RoleUnknown, "messages[0].role", `"boss"`},
	},
	"OpenAI messages with image parts": {
		{
			`{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}, ` +
				`{"role": "assistant", "content": "b"}]}`,
			dataset.ImageDataBroken, "messages[0].content[0].image_url.url", "write data:image/jpeg;base64,",
		},
	},
	"Qwen messages with image parts": {
		{
			`{"messages": [{"role": "user", "content": [{"type": "image", "image": "file://host/a.png"}]}, ` +
				`{"role": "assistant", "content": "b"}]}`,
			dataset.ImageNameUnsafe, "messages[0].content[0].image", "is not a URL of a file of this machine",
		},
	},
	"Hugging Face messages with an image list": {
		{
			`{"images": ["a.png"], "messages": [{"role": "user", "content": [{"type": "image"}, {"type": "image"}]}, ` +
				`{"role": "assistant", "content": "b"}]}`,
			dataset.ImageCount, "images", "2 content parts stand for an image",
		},
	},
	"conversation pairs": {
		{`{"conversation": [{"human": "a", "assistant": true}]}`, dataset.WrongType, "conversation[0].assistant", "true"},
	},
	"ms-swift query and response": {
		{`{"query": "a", "response": "b", "history": [["a"]]}`, dataset.WrongType, "history[0]", "a pair"},
		{`{"query": "a", "response": "b", "history": "a"}`, dataset.WrongType, "history", "pairs"},
	},
	"LLaMA-Factory alpaca": {
		{`{"instruction": "a", "output": ["b", "c"]}`, dataset.WrongType, "output", "a list"},
		{`{"instruction": " ", "input": "", "output": "b"}`, dataset.EmptyTurn, "instruction", "blank"},
		{`{"instruction": "", "input": "", "output": "b"}`, dataset.EmptyTurn, "instruction", "blank"},
		{`{"instruction": "a", "input": "", "output": ""}`, dataset.EmptyTurn, "output", "blank"},
	},
	"TRL prompt and completion": {
		{`{"prompt": "a", "completion": [{"role": "user", "content": "b"}]}`, dataset.NoAnswer, "completion", "no model"},
		{`{"prompt": {"a": 1}, "completion": "b"}`, dataset.WrongType, "prompt", "an object; write a list of turns"},
		{`{"prompt": "a", "completion": ["b"]}`, dataset.WrongType, "completion[0]", "a string; write a turn like"},
	},
	"The Cauldron": {
		{`{"images": [], "texts": [{"user": "a"}]}`, dataset.NoAnswer, "texts", "with role gpt"},
	},
	"FineVision": {
		{
			`{"images": [7], "texts": [{"user": "a", "assistant": "b"}], "relevance_min": 3}`,
			dataset.WrongType, "images[0]", "a number",
		},
	},
	"imagefolder": {
		{
			`{"file_name": "../a.png", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}`,
			dataset.ImageNameUnsafe, "file_name", "leads out",
		},
	},
}

func TestBrokenRecords(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Sorted(slices.Values(forms.Names())), slices.Sorted(maps.Keys(broken))); diff != "" {
		t.Fatalf("forms with broken records (-want +got):\n%s", diff)
	}
	for form, records := range broken {
		for _, tc := range records {
			s := forms.Parse([]byte(tc.raw), dataset.Place{Manifest: "a.json", Element: 1, Line: 1})
			if s.Form != form || s.Problem == nil {
				t.Errorf("%s: read as %q without a problem: %s", form, s.Form, tc.raw)
				continue
			}
			if s.Problem.Code != tc.code || s.Problem.Field != tc.field || !strings.Contains(s.Problem.Detail, tc.detail) {
				t.Errorf("%s: %q, want %q at %q with %q", form, s.Problem.Reason(), tc.code, tc.field, tc.detail)
			}
		}
	}
}

// Columns and tags of a dataset_info.json rename fields. Root and source are used if the record has neither.
func TestReadings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reading forms.Reading
		raw     string
	}{
		"sharegpt": {
			forms.Reading{
				Form:    "LLaMA-Factory sharegpt",
				Columns: map[string]string{"messages": "chat", "images": "pics", "system": "rules"},
				Tags: map[string]string{
					"role_tag": "who", "content_tag": "what", "user_tag": "U", "assistant_tag": "A", "system_tag": "S",
				},
			},
			`{"pics": ["a.png"], "rules": "Be kind.", "chat": [{"who": "U", "what": "<image>\nWhy?"}, ` +
				`{"who": "A", "what": "So."}]}`,
		},
		"alpaca": {
			forms.Reading{
				Form:    "LLaMA-Factory alpaca",
				Columns: map[string]string{"prompt": "q", "query": "more", "response": "a", "system": "s", "images": "pic"},
			},
			`{"q": "<image>", "more": "Why?", "a": "So.", "s": "Be kind.", "pic": "a.png"}`,
		},
	} {
		tc.reading.Root, tc.reading.Source = "coco/", "vqa"
		parse, err := tc.reading.Parser()
		if err != nil {
			t.Fatal(err)
		}
		s := parse([]byte(tc.raw), dataset.Place{Manifest: "a.json"})
		if s.Problem != nil {
			t.Errorf("%s: %v", name, s.Problem)
			continue
		}
		want := []dataset.Turn{
			dataset.NewTurn(dataset.System, "Be kind.", 0), dataset.NewTurn(dataset.Human, "<image>\nWhy?", 1),
			dataset.NewTurn(dataset.Model, "So.", 0),
		}
		if diff := cmp.Diff(want, s.Turns); diff != "" {
			t.Errorf("%s: turns (-want +got):\n%s", name, diff)
		}
		if s.Source != "vqa" || s.Images[0].Name != "coco/a.png" {
			t.Errorf("%s: source %q, image %q; want vqa and coco/a.png", name, s.Source, s.Images[0].Name)
		}
	}
}

// TestTagsGiveNoEmptyRole checks that an empty role is unknown, although no tag names it.
func TestTagsGiveNoEmptyRole(t *testing.T) {
	t.Parallel()
	reading := forms.Reading{Tags: map[string]string{"role_tag": "role", "content_tag": "content"}}
	parse, err := reading.Parser()
	if err != nil {
		t.Fatal(err)
	}
	raw := `{"conversations": [{"role": "", "content": "Why?"}, {"role": "assistant", "content": "So."}]}`
	if s := parse([]byte(raw), dataset.Place{Manifest: "a.json", Element: 1}); s.Problem == nil {
		t.Errorf("an empty role is read as %+v", s.Turns)
	}
}
