package forms_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

type object = map[string]any

// A talk is a sample that every form supports: pairs of a question and its answer, with <image> in the images' places.
type talk struct {
	images []string
	said   [][2]string
}

// turns returns the talk's turns, with these names of fields and roles.
func (k talk) turns(role, content, human, model string) (list []object) {
	for _, pair := range k.said {
		list = append(list, object{role: human, content: pair[0]}, object{role: model, content: pair[1]})
	}
	return list
}

// parts returns the talk's turns as content parts. image returns the part of the k-th image, from 0.
func (k talk) parts(image func(k int) object) (list []object) {
	n := 0
	for _, pair := range k.said {
		var parts []object
		for i, text := range strings.Split(pair[0], dataset.ImageMark) {
			if i > 0 {
				parts = append(parts, image(n))
				n++
			}
			parts = append(parts, object{"type": "text", "text": text})
		}
		list = append(list, object{"role": "user", "content": parts}, object{"role": "assistant", "content": pair[1]})
	}
	return list
}

// marked returns the talk with another mark in the place of each image. mark returns that of the k-th image, from 0.
func (k talk) marked(mark func(k int) string) talk {
	n := 0
	var said [][2]string
	for _, pair := range k.said {
		for strings.Contains(pair[0], dataset.ImageMark) {
			pair[0] = strings.Replace(pair[0], dataset.ImageMark, mark(n), 1)
			n++
		}
		said = append(said, pair)
	}
	return talk{k.images, said}
}

// exchange returns the talk with its last pair in these fields, and the earlier pairs in the field history.
func (k talk) exchange(question, answer string) object {
	last := len(k.said) - 1
	return object{
		question: k.said[last][0], answer: k.said[last][1], "history": k.said[:last], "images": k.images,
	}
}

func (k talk) texts() (list []object) {
	for _, pair := range k.said {
		list = append(list, object{"user": pair[0], "assistant": pair[1]})
	}
	return list
}

// written has a function for each form, which returns a talk in this form.
var written = map[string]func(talk) object{
	"LLaVA": func(k talk) object {
		return object{"image": k.images, "conversations": k.turns("from", "value", "human", "gpt")}
	},
	"LLaMA-Factory sharegpt": func(k talk) object {
		return object{"images": k.images, "conversations": k.turns("from", "value", "human", "gpt")}
	},
	"InternVL": func(k talk) object {
		numbered := k.marked(func(n int) string { return "<image-" + string(rune('1'+n)) + ">" })
		return object{"image": k.images, "conversations": numbered.turns("from", "value", "human", "gpt")}
	},
	"Qwen-VL": func(k talk) object {
		tagged := k.marked(func(n int) string { return "<img>" + k.images[n] + "</img>" })
		return object{"conversations": tagged.turns("from", "value", "user", "assistant")}
	},
	"ms-swift": func(k talk) object {
		return object{"images": k.images, "messages": k.turns("role", "content", "user", "assistant")}
	},
	"OpenAI messages": func(k talk) object {
		return object{"messages": k.turns("role", "content", "user", "assistant"), "image": k.images}
	},
	"OpenAI messages with image parts": func(k talk) object {
		return object{"messages": k.parts(func(n int) object {
			return object{"type": "image_url", "image_url": object{"url": k.images[n]}}
		})}
	},
	"Qwen messages with image parts": func(k talk) object {
		return object{"messages": k.parts(func(n int) object { return object{"type": "image", "image": k.images[n]} })}
	},
	"Hugging Face messages with an image list": func(k talk) object {
		reversed := slices.Clone(k.images)
		slices.Reverse(reversed)
		last := len(k.images) - 1
		return object{"images": reversed, "messages": k.parts(func(n int) object {
			return object{"type": "image", "text": nil, "index": last - n}
		})}
	},
	"conversation pairs": func(k talk) object {
		var pairs []object
		for _, pair := range k.said {
			pairs = append(pairs, object{"human": pair[0], "assistant": pair[1]})
		}
		return object{"conversation": pairs, "images": k.images}
	},
	"ms-swift query and response": func(k talk) object { return k.exchange("query", "response") },
	"LLaMA-Factory alpaca": func(k talk) object {
		record := k.exchange("instruction", "output")
		if question, input, found := strings.Cut(record["instruction"].(string), "\n"); found {
			record["instruction"], record["input"] = question, input
		}
		return record
	},
	"TRL prompt and completion": func(k talk) object {
		turns := k.turns("role", "content", "user", "assistant")
		last := len(turns) - 1
		return object{"images": k.images, "prompt": turns[:last], "completion": turns[last:]}
	},
	"The Cauldron": func(k talk) object { return object{"images": k.images, "texts": k.texts()} },
	"FineVision": func(k talk) object {
		return object{"images": k.images, "texts": k.texts(), "relevance_ratings": []int{5}}
	},
	"imagefolder": func(k talk) object {
		return object{"images_file_names": k.images, "messages": k.turns("role", "content", "user", "assistant")}
	},
}

var talks = map[string]talk{
	"an image":            {[]string{"a.png"}, [][2]string{{"<image>\nHow many lines are drawn here?", "Three."}}},
	"an image at the end": {[]string{"a.png"}, [][2]string{{"Read the sign.\n<image>", "It says: “Stop”."}}},
	"two rounds": {[]string{"a.png"}, [][2]string{
		{"<image>\nWhat is shown?", "A chart."}, {"And why?", "Because 2 < 3."},
	}},
	"images in two turns": {[]string{"a.png", "b.png"}, [][2]string{
		{"First <image>.", "Yes."}, {"Then <image>; compare.", "The second is larger."},
	}},
	"text": {nil, [][2]string{{"Write a haiku.", "Rain on the roof."}}},
}

// Equal samples have equal prompts and ratings in all forms.
func TestEqualSamplesInAllForms(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Sorted(slices.Values(forms.Names())), slices.Sorted(maps.Keys(written))); diff != "" {
		t.Fatalf("forms in the test (-want +got):\n%s", diff)
	}
	rubric := rubric.Default()
	rater, err := embedded.New(rubric, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range talks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var items []scorer.Item
			for _, form := range forms.Names() {
				s := parseAs(t, form, written[form](k))
				if len(k.images) > 0 && form != "OpenAI messages" && s.Form != form {
					t.Errorf("a record of %s is recognised as %s", form, s.Form)
				}
				items = append(items, scorer.Item{Sample: s, Images: drawn(t, s)})
			}
			results, err := rater.Rate(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			for i, item := range items[1:] {
				pair := forms.Names()[0] + " and " + forms.Names()[i+1]
				if diff := cmp.Diff(items[0].Sample.Turns, item.Sample.Turns); diff != "" {
					t.Errorf("%s: turns (-first +second):\n%s", pair, diff)
				}
				first, second := rubric.PromptsFor(items[0].Sample.Texts()), rubric.PromptsFor(item.Sample.Texts())
				if diff := cmp.Diff(first, second); diff != "" {
					t.Errorf("%s: prompts (-first +second):\n%s", pair, diff)
				}
				if diff := cmp.Diff(results[0], results[i+1]); diff != "" {
					t.Errorf("%s: ratings (-first +second):\n%s", pair, diff)
				}
			}
		})
	}
}

// parseAs parses a record twice, the second time with the name of its form. Both samples must be equal and valid.
func parseAs(t *testing.T, form string, record object) *dataset.Sample {
	t.Helper()
	var raw bytes.Buffer
	lines := json.NewEncoder(&raw)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(record); err != nil {
		t.Fatal(err)
	}
	named, err := forms.Reading{Form: form}.Parser()
	if err != nil {
		t.Fatal(err)
	}
	place := dataset.Place{Manifest: "a.json", Element: 1, Line: 1}
	s, under := forms.Parse(raw.Bytes(), place), named(raw.Bytes(), place)
	if s.Problem != nil {
		t.Fatalf("%s: %v in %s", form, s.Problem, raw.Bytes())
	}
	under.Form = s.Form
	if diff := cmp.Diff(s, under); diff != "" {
		t.Errorf("%s: with the name of the form, the sample differs (-recognised +named):\n%s", form, diff)
	}
	return s
}

// drawn returns an image for each name. Images with different names differ.
func drawn(t *testing.T, s *dataset.Sample) (list [][]byte) {
	t.Helper()
	for _, named := range s.Images {
		list = append(list, drawing(t, named.Name))
	}
	return list
}

// drawing returns an image that depends on the name.
func drawing(t *testing.T, name string) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
	for i := range 32 {
		picture.Set(i, int(name[0])%32, color.RGBA{R: name[0], A: 255})
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// FuzzForms parses records in each form. No record may crash a parser, and the sample must keep the record.
func FuzzForms(f *testing.F) {
	for _, form := range forms.Table() {
		f.Add([]byte(form.Shape))
		for _, k := range talks {
			record, err := json.Marshal(written[form.Name](k))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(record)
		}
	}
	var parsers []dataset.Parser
	for _, name := range forms.Names() {
		parse, err := forms.Reading{Form: name}.Parser()
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, parse)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		place := dataset.Place{Manifest: "a.json", Element: 1, Line: 1}
		for _, parse := range append(parsers, forms.Parse) {
			s := parse(raw, place)
			if s.ID == "" || s.Source == "" || !bytes.Equal(s.Raw, raw) {
				t.Errorf("no id, no source or another record: %+v", s)
			}
			if s.Problem == nil && (len(s.Rated()) < 2 || len(s.RatedImages()) > len(s.Images)) {
				t.Errorf("accepted as valid: %+v", s)
			}
			forms.ViewOf(s)
			var types forms.Types
			types.Add(raw)
		}
	})
}
