package recipe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

const (
	infoFile = `{
	"chart": {"file_name": "chart.json", "formatting": "sharegpt", 
	          "columns": {"messages": "chat", "images": "pics", "system": null},
	          "tags": {"role_tag": "role", "user_tag": "user"}},
	"plain": {"file_name": "plain.jsonl"},
	"chat": {"file_name": "chat.jsonl", "formatting": "openai"}}`
	metaFile = `{"coco": {"root": "data/coco/", "annotation": "coco.jsonl", "data_augment": false,
	         "repeat_time": 0.5, "length": 9},
	"vg": {"root": "/data/vg", "annotation": "vg.jsonl", "repeat_time": 1}}`
	mixFile = `
datasets:
  - json_path: a/one.json
    sampling_strategy: "first:10%"
  - {json_path: b/two.jsonl, sampling_strategy: "end:1000"}
  - json_path: three.json
    sampling_strategy: all
`
	specFile = `
manifests: ["parts/{a,b}.jsonl", c.json]
images: pictures/
format: LLaVA
readings: {c.json: {form: ms-swift, source: c}}
takes: {c.json: first:5}
`
)

var recipes = map[string]struct {
	content string
	want    Recipe
}{
	"dataset_info": {infoFile, Recipe{DatasetInfo, []Entry{
		{Name: "chart", File: "chart.json", Reading: forms.Reading{
			Form: "LLaMA-Factory sharegpt", Source: "chart",
			Columns: map[string]string{"messages": "chat", "images": "pics"},
			Tags:    map[string]string{"role_tag": "role", "user_tag": "user"},
		}},
		{Name: "plain", File: "plain.jsonl", Reading: forms.Reading{Form: "LLaMA-Factory alpaca", Source: "plain"}},
		{Name: "chat", File: "chat.jsonl", Reading: forms.Reading{Form: "OpenAI messages", Source: "chat"}},
	}}},
	"meta": {metaFile, Recipe{InternVL, []Entry{
		{Name: "coco", File: "coco.jsonl", Images: "data/coco/", Repeat: 0.5, Reading: forms.Reading{Source: "coco"}},
		{Name: "vg", File: "vg.jsonl", Images: "/data/vg", Reading: forms.Reading{Source: "vg"}},
	}}},
	"mix": {mixFile, Recipe{OneVision, []Entry{
		{Name: "one", File: "a/one.json", Take: dataset.Take{Percent: 10}, Reading: forms.Reading{Source: "one"}},
		{
			Name: "two", File: "b/two.jsonl", Take: dataset.Take{Count: 1000, FromEnd: true},
			Reading: forms.Reading{Source: "two"},
		},
		{Name: "three", File: "three.json", Reading: forms.Reading{Source: "three"}},
	}}},
	"spec": {specFile, Recipe{Spec, []Entry{
		{Name: "{a,b}", File: "parts/{a,b}.jsonl", Images: "pictures", Reading: forms.Reading{Form: "LLaVA"}},
		{
			Name: "c", File: "c.json", Images: "pictures", Take: dataset.Take{Count: 5},
			Reading: forms.Reading{Form: "ms-swift", Source: "c"},
		},
	}}},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range recipes {
		got, err := Parse([]byte(tc.content))
		if err != nil || got == nil {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		if diff := cmp.Diff(tc.want, *got, cmpopts.IgnoreUnexported(Entry{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Parse returns nil for manifests and other files.
func TestParseLeavesManifests(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"", "{}", "[]", `[{"file_name": "a"}]`, `{"id": "a", "conversations": []}`, `{"data": {"x": {}}}`,
		"{\"file_name\": \"a.jpg\"}\n{\"file_name\": \"b.jpg\"}\n", `{"a": {"file_name": 1}}`, "a: 1",
		"- a\n- b", "x\ty\n1\t2",
		`{"a": {"file_name": "b"}`,
	} {
		if got, err := Parse([]byte(content)); got != nil || err != nil {
			t.Errorf("%q: %+v, %v; want none", content, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"a": {"hf_hub_url": "x/y"}}`:                              `"a": file_name: it is missing, so the data`,
		`{"a": {"file_name": "a", "num_samples": 5}}`:               "num_samples: it takes records at random",
		`{"a": {"file_name": "a", "ranking": true}}`:                "a chosen and a rejected answer",
		`{"a": {"file_name": "a", "formatting": "x"}}`:              `formatting: "x" is not known`,
		`{"a": {"file_name": "a", "columns": {"system": 1}}}`:       "columns.system: found a number",
		`{"a": {"file_name": "a", "tags": []}}`:                     "tags: found a list",
		`{"a": {"annotation": "a", "repeat_time": 0}}`:              "repeat_time: 0; write a number above 0",
		`{"a": {"annotation": "a"}, "b": {}}`:                       `entry "b": annotation: it is missing`,
		"datasets:\n- {sampling_strategy: all}":                     "datasets[0].json_path: it is missing",
		"datasets:\n- {json_path: a, sampling_strategy: random:5%}": "without a seed",
		"manifests: [a]\nbudget: 30%":                               "use the command's flags",
		"manifests: [a]\nreadings: {b: {form: LLaVA}}":              `readings: "b" is not one of the manifests`,
		"manifests: [a]\ntakes: {b: all}":                           `takes: "b" is not one of the manifests`,
		"manifests: [a]\nformat: lava":                              `did you mean "LLaVA"?`,
		"manifest: [a]":                                             `line 1: there is no key "manifest"; did you mean`,
		"budget: 1\nmanifst: a":                                     `line 2: there is no key "manifst"; did you mean`,
		"manifests: []":                                             "manifests: the list is empty",
		"manifests: a":                                              `line 1: "a" is not a list`,
	} {
		if _, err := Parse([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
}

// A recipe of a subset lists its files with all their records, and keeps the other fields of each entry.
func TestWrite(t *testing.T) {
	t.Parallel()
	for name, tc := range recipes {
		r, err := Parse([]byte(tc.content))
		if err != nil {
			t.Fatal(err)
		}
		var parts []Part
		for i, entry := range r.Entries {
			parts = append(parts, Part{Entry: entry, File: "part-" + string(rune('1'+i)) + ".jsonl", Records: 7})
		}
		written, err := r.Kind.Write(parts)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil || again == nil {
			t.Errorf("%s: %v in\n%s", name, err, written)
			continue
		}
		want := tc.want
		want.Entries = append([]Entry{}, want.Entries...)
		for i := range want.Entries {
			e := &want.Entries[i]
			e.File, e.Take, e.Repeat = parts[i].File, dataset.Take{}, 0
			if r.Kind == OneVision || r.Kind == Spec {
				e.Name = strings.TrimSuffix(parts[i].File, ".jsonl")
			}
			if r.Kind == OneVision {
				e.Reading.Source = e.Name
			}
		}
		if diff := cmp.Diff(want, *again, cmpopts.IgnoreUnexported(Entry{})); diff != "" {
			t.Errorf("%s, written and read (-want +got):\n%s", name, diff)
		}
		if r.Kind == InternVL && strings.Count(string(written), `"length": 7`) != 2 {
			t.Errorf("lengths differ from the parts:\n%s", written)
		}
		if r.Kind == InternVL && !strings.Contains(string(written), `"data_augment": false`) {
			t.Errorf("a field is missing:\n%s", written)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"a.json": "a.json", "a-{000..002}.tar": "a-000.tar a-001.tar a-002.tar", "{a,b}/{1..2}": "a/1 a/2 b/1 b/2",
		"{9..11}": "9 10 11", "{a}": "{a}", "{,x}a": "a xa",
		"{b,a-{0..1}}c": "bc a-0c a-1c", "{{a,b},c}{x,y}": "ax ay bx by cx cy", "{{a}}": "{{a}}", "{a,{b}}": "a {b}",
		"{a{x,y}": "{ax {ay", "a,b": "a,b", "{a,b": "{a,b",
	} {
		got, err := Expand(pattern)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %s", pattern, got, err, want)
		}
	}
	deep := strings.Repeat("{", 10_000)
	endless := "{" + strings.Repeat("0", 10_000) + "..99999}"
	for _, pattern := range []string{"{2..1}", "{0..99999999}", "{0..999}{0..999}", "{a,{0..99999}}", endless, deep} {
		if got, err := Expand(pattern); err == nil {
			t.Errorf("%s: %d names, want an error", pattern, len(got))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range recipes {
		f.Add([]byte(tc.content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Parse(content)
		if err != nil || r == nil {
			return
		}
		var parts []Part
		for _, entry := range r.Entries {
			parts = append(parts, Part{Entry: entry, File: "part.jsonl", Records: 1})
		}
		if _, err := r.Kind.Write(parts); err != nil {
			t.Errorf("it cannot be written: %v", err)
		}
	})
}
