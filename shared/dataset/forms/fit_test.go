package forms_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// A record that differs from the form only in its id, its images or its texts keeps the other fields of its turns.
func TestConvertFitsRecordsOfTheForm(t *testing.T) {
	t.Parallel()
	const (
		llava   = `"conversations":[{"from":"human","value":"<image>\nWhy?"},{"from":"gpt","value":"So.","weight":1}]}`
		answer  = `{"role":"assistant","content":"So.","loss":false}]`
		swift   = `"messages":[{"role":"user","content":"<image>Why?"},` + answer
		asked   = `[{"role":"user","content":[{"type":"image"},{"type":"text","text":"Why?"}]}`
		said    = `{"role":"assistant","content":[{"type":"text","text":"So."}],"loss":false}]`
		pair    = `"images":["a.png"],"prompt":` + asked + `],"completion":[` + said + `}`
		another = `{"id":"1","image":["a.png"],"conversations":[{"from":"human","value":"<image1>Why?"},`
	)
	for _, tc := range []struct{ to, raw, want string }{
		{"llava", `{"image":"x.png",` + llava, `{"image":["x.png"],` + llava},
		{"llava", `{"id":7,"n":1.50,"image":"x.png",` + llava, `{"id":"7","n":1.50,"image":["x.png"],` + llava},
		{"llava", `{"id":7,"image":["x.png"],` + llava, `{"id":"7","image":["x.png"],` + llava},
		{"llava", `{"images":["x.png"],"image":null,` + llava, `{"image":["x.png"],` + llava},
		{"llava", another + `{"from":"gpt","value":"So.","weight":1}]}`,
			`{"id":"1","image":["a.png"],"conversations":[{"from":"human","value":"<image>Why?"},` +
				`{"from":"gpt","value":"So.","weight":1}]}`},
		{forms.LLaVATrainer, `{"image":["x.png"],` + llava, `{"image":"x.png",` + llava},
		{forms.LLaVATrainer, `{"id":7,"image":"x.png",` + llava, `{"id":"7","image":"x.png",` + llava},
		{"webdataset", `{"id":7,"image":"x.png",` + llava, `{"id":"7","image":["x.png"],` + llava},
		{"sharegpt", `{"id":7,"image":"x.png",` + llava, `{"id":"7","images":["x.png"],` + llava},
		{"parquet", `{"images":"x.png",` + llava, `{"images":["x.png"],` + llava},
		{"swift", `{` + swift + `,"images":"x.png"}`, `{` + swift + `,"images":["x.png"]}`},
		{"swift", `{"id":7,"images":["x.png"],"messages":[{"role":"user","content":"Why?"},` + answer + `}`,
			`{"id":"7","images":["x.png"],"messages":[{"role":"user","content":"Why?"},` + answer + `}`},
		{"openai", `{"messages":[{"role":"user","content":"<image>Why?"},` + answer + `,"images":["a.png"]}`,
			`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"a.png"}},` +
				`{"type":"text","text":"Why?"}]},` + said + `}`},
		{"trl", `{"id":7,"images":"a.png","messages":` + asked + `,` + answer + `}`,
			`{"id":"7","images":["a.png"],"messages":` + asked + `,` + said + `}`},
		{"trl", `{"images":["a.png"],"prompt":[{"role":"user","content":"Why?"}],"completion":[` + answer + `}`, `{` + pair},
		{"trl", `{"images":["a.png"],"prompt":"<image>Why?","completion":[` + answer + `}`, `{` + pair},
		{"trl", `{"images":["a.png"],"prompt":[{"role":"user","content":[{"type":"text","text":"Why?"}]}],` +
			`"completion":[` + said + `}`, `{` + pair},
	} {
		got, err := convert(t, forms.Reading{}, tc.to, tc.raw)
		if err != nil {
			t.Errorf("%s to %s: %v", tc.raw, tc.to, err)
			continue
		}
		if diff := cmp.Diff(tc.want, compact(t, got)); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tc.raw, tc.to, diff)
		}
	}
	// If the change would lose content, it is refused.
	for raw, field := range map[string]string{
		`{"id":"1","image":{"bytes":"aGk=","path":"a.png"},` + llava:                            "conversations[1].weight",
		`{"id":7,"image":["a.png"],"source":"s","query":"Q","response":"other",` + llava:        "conversations[1].weight",
		strings.Replace(another, `"human"`, `"user"`, 1) + `{"from":"gpt","value":"b","n":1}]}`: "conversations[1].n",
	} {
		_, err := convert(t, forms.Reading{Form: "LLaVA"}, "llava", raw)
		if lost, ok := errors.AsType[*forms.LossError](err); !ok || lost.Field != field {
			t.Errorf("%s: %v, want a loss of %s", raw, err, field)
		}
	}
}

// compact returns JSON without white space between its values.
func compact(t *testing.T, text string) string {
	t.Helper()
	out, err := json.Marshal(json.RawMessage(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(out))
}

// Prompts and completions may be texts or lists of messages. After the conversion, each column has one type.
func TestConvertGivesPromptsOneType(t *testing.T) {
	t.Parallel()
	sides := []struct{ prompt, completion string }{
		{`"Why?"`, `"So."`},
		{`"Why?"`, `[{"role":"assistant","content":"So."}]`},
		{`[{"role":"user","content":"Why?"}]`, `"So."`},
		{`[{"role":"user","content":"Why?"}]`, `[{"role":"assistant","content":"So."}]`},
		{`[{"role":"system","content":"s"},{"role":"user","content":"Why?"}]`, `[{"role":"assistant","content":"So."}]`},
		{`[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]}]`,
			`[{"role":"user","content":"Why?"},{"role":"assistant","content":"So.","weight":1}]`},
		{`[{"role":"user","content":[{"type":"text","text":"Why?"}]}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"So."}],"weight":1}]`},
		{`[{"role":"user","content":[{"type":"text","text":"Why?"}]}]`, `[{"role":"assistant","content":"So.","weight":1}]`},
	}
	var list []string
	for _, images := range []string{``, `"images":[],`, `"images":["a.png"],`, `"image":"a.png",`} {
		for _, id := range []string{``, `"id":"a",`, `"id":7,`} {
			for _, side := range sides {
				list = append(list, `{`+id+images+`"prompt":`+side.prompt+`,"completion":`+side.completion+`}`)
			}
			list = append(list, `{`+id+images+`"messages":[{"role":"user","content":"Why?"},`+
				`{"role":"assistant","content":"So.","weight":1}]}`)
		}
	}
	for _, order := range []func(){func() {}, func() { slices.Reverse(list) }} {
		order()
		columns := table.NewColumns("")
		for _, raw := range list {
			got, err := convert(t, forms.Reading{}, "trl", raw)
			if err != nil {
				t.Errorf("%s: %v", raw, err)
				continue
			}
			if err := columns.Add([]byte(got)); err != nil {
				t.Errorf("%s is %s: %v", raw, got, err)
			}
			if n := strings.Count(got, `"type":"image"`); n != strings.Count(raw, "a.png") {
				t.Errorf("%s is %s: %d parts are images", raw, got, n)
			}
			if again, err := convert(t, forms.Reading{}, "trl", got); err != nil || again != got {
				t.Errorf("%s changes again: %v, %s", got, err, again)
			}
		}
	}
}
