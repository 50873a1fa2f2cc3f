package forms_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// A record that already has the form is not changed. It keeps fields of turns for which other forms have no place.
func TestConvertKeepsRecordsOfTheForm(t *testing.T) {
	t.Parallel()
	const (
		llava  = `"conversations":[{"from":"human","value":"<image>\nWhy?"},{"from":"gpt","value":"So.","weight":0.5}]`
		answer = `{"role":"assistant","content":"So.","loss":false}`
		parts  = `{"role":"user","content":[{"type":"image"},{"type":"text","text":"Why?"}]},` +
			`{"role":"assistant","content":[{"type":"text","text":"So."}],"weight":0}`
		call = `{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":[{"type":"text",` +
			`"text":"7"}]},{"role":"assistant","content":[{"type":"text","text":"So."}]}`
	)
	for _, tc := range []struct{ to, raw string }{
		{"llava", `{"id":"1", "image":["a.png"],` + llava + `}`},
		{"llava", `{"score": 1, "conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}`},
		{forms.LLaVATrainer, `{"id":"1", "image":"a.png",` + llava + `}`},
		{"webdataset", `{"id":"1", "image":["a.png"],` + llava + `}`},
		{"sharegpt", `{"images":["a.png"],` + llava + `}`},
		{"parquet", `{"images":["a.png"],` + llava + `}`},
		{"swift", `{"messages":[{"role":"user","content":"Why?"},` + answer + `]}`},
		{"swift", `{"messages":[{"role":"user","content":"<image>Why?"},` + answer + `],"images":["a.png"]}`},
		{"swift", `{"messages":[{"role":"user","content":"Why?"},` + answer + `],"images":["a.png"]}`},
		{"openai", `{"messages":[{"role":"user","content":[{"type":"text","text":"Why?"}]},` + call + `]}`},
		{"openai", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"a.png",` +
			`"detail":"low"}}]},{"role":"assistant","content":[{"type":"text","text":"So."}]}]}`},
		{"trl", `{"images":["a.png"],"messages":[` + parts + `]}`},
		{"trl", `{"prompt":[{"role":"user","content":[{"type":"text","text":"a"}]}],` +
			`"completion":[{"role":"assistant","content":[{"type":"text","text":"d"}],"weight":0}], "n": 1}`},
		{"trl", `{"images":["a.png"],"prompt":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"Why?"}]}],` +
			`"completion":[{"role":"assistant","content":[{"type":"text","text":"So."}]}]}`},
	} {
		if got, err := convert(t, forms.Reading{}, tc.to, tc.raw); err != nil || got != tc.raw {
			t.Errorf("to %s: %v\nis   %s\nwant %s", tc.to, err, got, tc.raw)
		}
	}
}

// A record that has the form, except that a value has another type, is converted.
func TestConvertGivesKeysOneType(t *testing.T) {
	t.Parallel()
	const (
		said   = `{"from":"human","value":"<image>a"},{"from":"gpt","value":"b"}`
		answer = `{"role":"assistant","content":"b"}`
	)
	for _, tc := range []struct{ to, raw, want string }{
		{"llava", `{"id":7,"image":["a.png"],"conversations":[` + said + `]}`, `"id": "7"`},
		{"llava", `{"id":"","image":["a.png"],"conversations":[` + said + `]}`, `"id": "a.json#1"`},
		{"llava", `{"image":"a.png","conversations":[` + said + `]}`, `"image": ["a.png"]`},
		{"llava", `{"images":["a.png"],"conversations":[` + said + `]}`, `"image": ["a.png"]`},
		{"llava", `{"conversations":[{"from":"user","value":"a"},{"from":"gpt","value":"b"}]}`, `{"from":"human"`},
		{"sharegpt", `{"system":"s","conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}`,
			`[{"from":"system","value":"s"},`},
		{"llava", `{"image":["a.png"],"conversations":[{"from":"human","value":"<image1>a"},{"from":"gpt","value":"b"}]}`,
			`"value":"<image>a"`},
		{"openai", `{"messages":[{"role":"user","content":"a"},` + answer + `]}`, `"content":[{"type":"text","text":"a"}]`},
		{"openai", `{"id":"1","messages":[{"role":"user","content":"a","name":"x"},{"role":"assistant","content":"b",` +
			`"weight":0}]}`, `{"role":"assistant","content":[{"type":"text","text":"b"}],"weight":0}`},
		{"llava", `{"id":"1","image":"a.png","images":["a.png"],"conversations":[` + said + `]}`, `"image": ["a.png"]`},
		{"swift", `{"id":"1","images":["a.png"],"system":"s","conversations":[` + said + `]}`,
			`[{"role":"system","content":"s"},{"role":"user"`},
		{"trl", `{"images":["a.png"],"messages":[{"role":"user","content":[{"type":"text","text":"<image>a"}]},` +
			`{"role":"assistant","content":[{"type":"text","text":"b"}]}]}`, `[{"type":"image"},{"type":"text","text":"a"}]`},
	} {
		got, err := convert(t, forms.Reading{}, tc.to, tc.raw)
		if err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%s to %s: %v\nis   %s\nwant %s", tc.raw, tc.to, err, got, tc.want)
		}
	}
}

// If the other form cannot mark where the prompt ends, the conversion is refused.
func TestConvertPromptAndCompletion(t *testing.T) {
	t.Parallel()
	const (
		one  = `{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"assistant","content":"b"}]}`
		two  = `{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],`
		last = `"completion":[{"role":"assistant","content":"d"}]}`
		text = `{"id":7,"prompt":"a","completion":"b"}`
		asks = `{"prompt":[{"role":"system","content":"s"}],"completion":[{"role":"user","content":"a"},` +
			`{"role":"assistant","content":"b"}]}`
	)
	for _, tc := range []struct{ to, raw, want, loss string }{
		{"llava", one, `[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]`, ""},
		{"swift", text, `[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]`, ""},
		{"trl", text, `"prompt": [{"role":"user","content":[{"type":"text","text":"a"}]}], ` +
			`"completion": [{"role":"assistant","content":[{"type":"text","text":"b"}]}]`, ""},
		{"trl", two + last, `"completion": [{"role":"assistant","content":[{"type":"text","text":"d"}]}]`, ""},
		{"trl", asks, `"completion": [{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant"`, ""},
		{"trl", `{"image":"a.png",` + two[1:] + last,
			`"completion": [{"role":"assistant","content":[{"type":"text","text":"d"}]}]`, ""},
		{"trl", `{"images":["a.png"],"prompt":"<image>a","completion":"b"}`,
			`"prompt": [{"role":"user","content":[{"type":"image"},{"type":"text","text":"a"}]}]`, ""},
		{"llava", two + last, "", "prompt[1].content"},
		{"openai", asks, "", "completion[0].content"},
		{"trl", `{"prompt":"x","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`, "", "prompt"},
	} {
		got, err := convert(t, forms.Reading{}, tc.to, tc.raw)
		lost, _ := errors.AsType[*forms.LossError](err)
		if tc.loss == "" && (err != nil || !strings.Contains(got, tc.want)) ||
			tc.loss != "" && (lost == nil || lost.Field != tc.loss) {
			t.Errorf("%s to %s: %v\nis   %s\nwant %s %s", tc.raw, tc.to, err, got, tc.want, tc.loss)
		}
	}
}

// Images without a place come before the question. If images are parts, no line break follows them.
func TestConvertUnmarkedImages(t *testing.T) {
	t.Parallel()
	const raw = `{"id":"1","image":["a.png","b.png"],"conversations":[{"from":"human","value":"%Why?\n"},` +
		`{"from":"gpt","value":"So."}]}`
	for to, want := range map[string]string{
		"openai": `[{"type":"image_url","image_url":{"url":"a.png"}},{"type":"image_url","image_url":{"url":"b.png"}},` +
			`{"type":"text","text":"Why?\n"}]`,
		"trl":   `[{"type":"image"},{"type":"image"},{"type":"text","text":"Why?\n"}]`,
		"swift": `"content":"<image>\n<image>\nWhy?\n"`,
	} {
		got, err := convert(t, forms.Reading{}, to, strings.Replace(raw, "%", "", 1))
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("to %s: %v\nis   %s\nwant %s", to, err, got, want)
		}
	}
	// A line break that is in the record stays.
	got, err := convert(t, forms.Reading{}, "trl", strings.Replace(raw, "%", `<image>\n<image>\n`, 1))
	if want := `{"type":"text","text":"\nWhy?\n"}`; err != nil || !strings.Contains(got, want) {
		t.Errorf("with marks: %v, %s, want %s", err, got, want)
	}
}

// A record with two different conversations is refused. A converted record has only the conversation that was read.
func TestTwoConversations(t *testing.T) {
	t.Parallel()
	const (
		messages = `"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},` +
			`{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]`
		same  = `"prompt":"c","completion":" d "`
		other = `"query":"x","response":"d"`
		list  = `"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"x"}]`
	)
	for raw, field := range map[string]string{
		`{` + messages + `,` + same + `}`: "",
		`{` + messages + `,"conversations":[{"from":"human","value":"<image>\nc"},{"from":"gpt","value":"d"}],` +
			`"image":"a.png"}`: "messages",
		`{` + messages + `,"conversations":[],"instruction":"a","output":""}`: "",
		`{` + messages + `,"conversations":"none"}`:                           "",
		`{` + messages + `,` + other + `}`:                                    "query",
		`{` + messages + `,` + list + `}`:                                     "messages",
		`{"texts":[{"user":"a","assistant":"b"}],` + other + `}`:              "texts",
	} {
		s := forms.Parse([]byte(raw), here)
		if refused := s.Problem != nil; refused != (field != "") ||
			refused && (s.Problem.Code != dataset.TwoConversations || s.Problem.Field != field) {
			t.Errorf("%s: %v, want a problem of %q", raw, s.Problem, field)
		}
	}
	for _, to := range forms.Outputs() {
		got, err := convert(t, forms.Reading{}, to, `{"id":"1",`+messages+`,`+same+`}`)
		if err != nil || strings.Contains(got, "prompt") || !strings.Contains(got, `"b"`) {
			t.Errorf("to %s: %v, %s", to, err, got)
		}
		// --format names the conversation to read.
		reading := forms.Reading{Form: "OpenAI messages"}
		parse, err := reading.Parser()
		if err != nil {
			t.Fatal(err)
		}
		raw := `{"id":"1",` + messages + `,` + other + `}`
		if s := parse([]byte(raw), here); s.Problem != nil {
			t.Errorf("with --format: %v", s.Problem)
		}
		_, err = convert(t, reading, to, raw)
		if lost, ok := errors.AsType[*forms.LossError](err); !ok || lost.Field != "query" {
			t.Errorf("to %s: %v, want a loss of query", to, err)
		}
	}
}

// If one side of a record is empty, the error names this side and the fix.
func TestEmptySides(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"prompt":"Q?","completion":""}`: `empty turn: completion: the answer to "prompt" is an empty text; ` +
			`write it there, or remove the record`,
		`{"prompt":"Q?","completion":null}`:          `empty turn: completion: the answer to "prompt" is null; `,
		`{"prompt":[],"completion":"A"}`:             `empty turn: prompt: the question is an empty list; `,
		`{"prompt":"Q?"}`:                            `no answer: completion: the record has "prompt" and no "completion"; `,
		`{"completion":"A"}`:                         `no question: prompt: the record has "completion" and no "prompt"; `,
		`{"query":"Q","response":""}`:                `empty turn: response: the answer to "query" is an empty text; `,
		`{"query":"","response":"A"}`:                `empty turn: query: the question is an empty text; `,
		`{"instruction":"Q","output":null}`:          `empty turn: output: the answer to "instruction" is null; `,
		`{"question":"Q","answer":[]}`:               `empty turn: answer: the answer to "question" is an empty list; `,
		`{"messages":null}`:                          `no conversation: messages: the field is null; `,
		`{"texts":[],"images":["a"]}`:                `no conversation: texts: the field is an empty list; `,
		`{"chosen":["a"],"rejected":["b"]}`:          `rename its field to "messages"`,
		`{"prompt":"Q","chosen":"a","rejected":"b"}`: `rename its field to "completion"`,
	} {
		s := forms.Parse([]byte(raw), here)
		if s.Problem == nil || !strings.Contains(s.Problem.Reason(), want) {
			t.Errorf("%s: %v, want %s", raw, s.Problem, want)
		}
	}
	parse, err := (forms.Reading{Form: "TRL prompt and completion"}).Parser()
	if err != nil {
		t.Fatal(err)
	}
	if s := parse([]byte(`{"prompt":"Q?","completion":null}`), here); s.Problem == nil ||
		s.Problem.Field != "completion" || s.Problem.Code != dataset.EmptyTurn {
		t.Errorf("with --format: %v", s.Problem)
	}
}
