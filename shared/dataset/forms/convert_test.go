package forms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

var here = dataset.Place{Manifest: "a.json", Element: 1, Line: 1}

func convert(t *testing.T, reading forms.Reading, to, raw string) (string, error) {
	t.Helper()
	converter, err := reading.Converter(to)
	if err != nil {
		t.Fatal(err)
	}
	converted, err := converter([]byte(raw), here, nil)
	return string(converted), err
}

// A conversion from any form gives the same sample, and all values of a key have the same type.
func TestConvertFromAllForms(t *testing.T) {
	t.Parallel()
	for _, to := range forms.Outputs() {
		var types forms.Types
		for _, form := range forms.Names() {
			for name, k := range talks {
				record := written[form](k)
				record["id"], record["extra"] = 7, object{"kept": []int{1}}
				s := parseAs(t, form, record)
				converted, err := convert(t, forms.Reading{}, to, string(s.Raw))
				if form == "TRL prompt and completion" && len(k.said) > 1 && to != forms.TRL {
					if err == nil || !strings.HasPrefix(err.Error(), "prompt[1].content: it is an answer in the prompt") {
						t.Errorf("%s of %s to %s: %v, want an error about the end of the prompt", name, form, to, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s of %s to %s: %v", name, form, to, err)
					continue
				}
				got := forms.Parse([]byte(converted), here)
				if diff := cmp.Diff(s.Turns, got.Turns); diff != "" {
					t.Errorf("%s of %s to %s: turns (-want +got):\n%s", name, form, to, diff)
				}
				if diff := cmp.Diff(s.Images, got.Images); diff != "" || got.ID != "7" || got.Source != s.Source {
					t.Errorf("%s of %s to %s: id %q, source %q, images:\n%s", name, form, to, got.ID, got.Source, diff)
				}
				if !strings.Contains(converted, `"extra": {"kept":[1]}`) || strings.Contains(converted, "\n") {
					t.Errorf("%s of %s to %s: a field is missing, or the record is not one line: %s", name, form, to, converted)
				}
				types.Add([]byte(converted))
			}
		}
		if mixed := types.Mixed(); len(mixed) > 0 {
			t.Errorf("%s: %v", to, mixed)
		}
	}
}

// TestConvertForLLaVA converts records for LLaVA's trainer. The trainer joins a text in the field image with a folder.
// It reads records without the field as text.
func TestConvertForLLaVA(t *testing.T) {
	t.Parallel()
	const said = `"conversations": [{"from":"human","value":"%sWhat?"},{"from":"gpt","value":"So."}], ` +
		`"data_source": "a"}`
	for marks, c := range map[string]struct{ images, want string }{
		"":               {`[]`, `{"id": "a.json#1", `},
		"<image>":        {`["a.png"]`, `{"id": "a.json#1", "image": "a.png", `},
		"<image><image>": {`["a.png", "b.png"]`, `{"id": "a.json#1", "image": ["a.png","b.png"], `},
	} {
		raw := fmt.Sprintf(`{"images": %s, "messages": [{"role": "user", "content": "%sWhat?"}, `+
			`{"role": "assistant", "content": "So."}]}`, c.images, marks)
		got, err := convert(t, forms.Reading{}, forms.LLaVATrainer, raw)
		if want := c.want + fmt.Sprintf(said, marks); err != nil || got != want {
			t.Errorf("%s\nis    %s\nwant  %s\nerror %v", raw, got, want, err)
		}
	}
	if slices.Contains(forms.Outputs(), forms.LLaVATrainer) {
		t.Error("Outputs lists the form of LLaVA's trainer, whose field image has values of two types")
	}
}

func TestConverted(t *testing.T) {
	t.Parallel()
	const raw = `{"conversation": [{"human": "<image>a & b", "assistant": "So."}], "image": {"bytes": "iVBORw0KGgo="},` +
		"\n" + ` "system": "Be kind.", "score": 0.50}`
	const picture = "data:image/png;base64,iVBORw0KGgo="
	for to, want := range map[string]string{
		"llava": `{"id": "a.json#1", "image": ["` + picture + `"], ` +
			`"conversations": [{"from": "system", "value": "Be kind."},` +
			`{"from": "human", "value": "<image>a & b"},{"from": "gpt", "value": "So."}], "data_source": "a", "score": 0.50}`,
		"swift": `{"id": "a.json#1", "images": ["` + picture + `"], ` +
			`"messages": [{"role": "system", "content": "Be kind."},` +
			`{"role": "user", "content": "<image>a & b"},{"role": "assistant", "content": "So."}], ` +
			`"data_source": "a", "score": 0.50}`,
		"trl": `{"id": "a.json#1", "images": ["` + picture + `"], ` +
			`"messages": [{"role": "system", "content": [{"type": "text", ` +
			`"text": "Be kind."}]},{"role": "user", "content": [{"type": "image"},{"type": "text", "text": "a & b"}]},` +
			`{"role": "assistant", "content": [{"type": "text", "text": "So."}]}], "data_source": "a", "score": 0.50}`,
		"openai": `{"id": "a.json#1", ` +
			`"messages": [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]},` +
			`{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "` + picture + `"}},` +
			`{"type": "text", "text": "a & b"}]},{"role": "assistant", "content": [{"type": "text", "text": "So."}]}], ` +
			`"data_source": "a", "score": 0.50}`,
	} {
		got, err := convert(t, forms.Reading{}, to, raw)
		if err != nil {
			t.Errorf("%s: %v", to, err)
		}
		compact := func(text string) string {
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatalf("%s: %v in %s", to, err, text)
			}
			out, _ := json.Marshal(v)
			return string(out)
		}
		if diff := cmp.Diff(compact(want), compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", to, diff)
		}
	}
}

func TestConvertRefusesLosses(t *testing.T) {
	t.Parallel()
	const reply = `{"role": "assistant", "content": "So."}`
	messages := func(user, rest string) string { return `{` + rest + `"messages": [` + user + `, ` + reply + `]}` }
	user := func(content string) string { return `{"role": "user", "content": ` + content + `}` }
	for _, tc := range []struct{ raw, want string }{
		{messages(`{"role": "user", "content": "a", "weight": 1}`, ""), "messages[0].weight: "},
		{messages(`{"role": "user", "content": "a", "loss": false}`, ""), "messages[0].loss: "},
		{messages(user(`"a"`)+`, {"role": "tool", "content": "b"}`, ""), "messages[1].content: the turn of a tool"},
		{
			messages(user(`[{"type": "image_url", "image_url": {"url": "a.png", "detail": "low"}}]`), ""),
			"messages[0].content[0].image_url.detail: ",
		},
		{
			messages(user(`[{"type": "text", "text": "a <image>"}, {"type": "image", "image": "a.png"}]`), ""),
			"messages[0].content: the text <image>",
		},
		{messages(user(`"a"`), `"image": {"bytes": "aGk=", "path": "a.png"}, `), "image.path: "},
		{
			`{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "messages": [1]}`,
			"messages: a field of this name",
		},
		{
			`{"texts": [{"user": "a", "assistant": "b", "source": "x"}, {"user": "c", "assistant": "d", "source": "y"}]}`,
			"texts[1].source: ",
		},
	} {
		_, err := convert(t, forms.Reading{}, "llava", tc.raw)
		if _, ok := errors.AsType[*forms.LossError](err); !ok || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.raw, err, tc.want)
		}
	}
	_, err := (forms.Reading{}).Converter("lava")
	if err == nil || !strings.Contains(err.Error(), `did you mean "llava"?`) {
		t.Errorf("an unknown form: %v", err)
	}
}

// A converted record has the source and the image names that follow from its recipe.
func TestConvertReadings(t *testing.T) {
	t.Parallel()
	reading := forms.Reading{
		Form: "LLaMA-Factory alpaca", Columns: map[string]string{"prompt": "q"}, Root: "coco", Source: "vqa",
	}
	got, err := convert(t, reading, "sharegpt", `{"q": "<image>a", "output": "b", "images": ["c.png"]}`)
	s := forms.Parse([]byte(got), here)
	if err != nil || s.Source != "vqa" || len(s.Images) != 1 || s.Images[0].Name != "coco/c.png" {
		t.Errorf("%v: %s", err, got)
	}
}
