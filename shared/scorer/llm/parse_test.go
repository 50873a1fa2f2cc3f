package llm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const ratings = `"ratings": {"bird song": 4, "\"wing\" shape": 0}`
	want := parsedAnswer{Reason: "It sings.", Ratings: []int8{4, 0}, Styles: []string{"tweet"}}
	tests := map[string]struct {
		text string
		says string // part of the error; empty for no error
	}{
		"valid":                     {validAnswer, ""},
		"spaces":                    {"\n " + validAnswer + "\n", ""},
		"fenced":                    {"```json\n" + validAnswer + "\n```", ""},
		"fenced without a language": {"```\n" + validAnswer + "```", ""},
		"two lines":                 {`{"reason": " It\n\tsings. ", ` + ratings + `, "styles": ["tweet", "tweet"]}`, ""},
		"empty":                     {"", "it is no JSON object"},
		"prose":                     {"Sure! " + validAnswer, "it is no JSON object"},
		"list":                      {"[" + validAnswer + "]", "it is no JSON object"},
		"more":                      {validAnswer + " Done.", "something follows"},
		"cut":                       {validAnswer[:len(validAnswer)-1], "it is cut off"},
		"cut off in a value":        {validAnswer[:40], "it is no JSON"},
		"unknown field":             {`{"score": 3, ` + validAnswer[1:], `a field "score", which was not asked for`},
		"names in another case":     {strings.Replace(validAnswer, "styles", "Styles", 1), `a field "Styles"`},
		"twice":                     {`{"styles": ["tweet"], ` + validAnswer[1:], `"styles" twice`},
		"empty answer":              {"{}", "reason is missing; ratings is missing; styles is missing"},
		"null": {
			`{"reason": null, "ratings": null, "styles": null}`,
			"reason is no text; ratings: it is no JSON object; styles is empty",
		},
		"list of texts": {strings.Replace(validAnswer, `"It sings."`, `["It sings."]`, 1), "reason is no text"},
		"above":         {strings.Replace(validAnswer, "4", "6", 1), `the rating of "bird song" is 6, and should be`},
		"below":         {strings.Replace(validAnswer, "4", "-1", 1), `is -1,`},
		"fraction":      {strings.Replace(validAnswer, "4", "4.0", 1), `is 4.0,`},
		"text":          {strings.Replace(validAnswer, "4", `"4"`, 1), `is "4",`},
		"exponent":      {strings.Replace(validAnswer, "4", `1e0`, 1), `is 1e0,`},
		"no rating":     {strings.Replace(validAnswer, `"bird song": 4, `, "", 1), `the rating of "bird song" is missing`},
		"other": {
			strings.Replace(validAnswer, "bird song", "song", 1),
			`ratings has "song", which is no capability; the rating of "bird song" is missing`,
		},
		"unknown style": {strings.Replace(validAnswer, `"]`, `", "song"]`, 1), `styles has "song", which is no style`},
		"numeric style": {strings.Replace(validAnswer, `["tweet"]`, `[1]`, 1), `styles has 1, which is no style`},
		"no list":       {strings.Replace(validAnswer, `["tweet"]`, `"tweet"`, 1), `styles is no list`},
		"no style":      {strings.Replace(validAnswer, `["tweet"]`, `[]`, 1), `styles is empty`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseAnswer(tt.text, birds(t))
			if tt.says == "" {
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("error %v; answer (-want +got)\n%s", err, diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
		})
	}
}

// The error lists only the first faults of an answer.
func TestReadNamesFewFaults(t *testing.T) {
	t.Parallel()
	_, err := parseAnswer(`{"reason": "", "ratings": {}, "styles": []}`, rubric.Default())
	if err == nil || !strings.HasSuffix(err.Error(), "; and 10 faults more") {
		t.Errorf("error %v", err)
	}
}

// Accepted answers are valid under the rubric.
func FuzzRead(f *testing.F) {
	f.Add(validAnswer)
	f.Add("```json\n" + validAnswer + "\n```")
	f.Add(`{"reason": "\ud800", "ratings": {"bird song": 05}, "styles": [{}]}`)
	f.Add(validAnswer[:len(validAnswer)-2])
	r := birds(f)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseAnswer(text, r)
		if err != nil {
			return
		}
		if len(got.Ratings) != len(r.Capabilities) || len(got.Styles) == 0 || len([]rune(got.Reason)) > maxReason ||
			strings.Contains(got.Reason, "\n") {
			t.Errorf("%q gives %+v", text, got)
		}
		for _, rating := range got.Ratings {
			if rating < 0 || rating > scorer.MaxRating {
				t.Errorf("%q gives %+v", text, got)
			}
		}
	})
}

// Models answer in the order of the schema: the reason before the ratings, capabilities and styles as in the rubric.
func TestSchema(t *testing.T) {
	t.Parallel()
	all, err := formats(birds(t), true)
	if err != nil {
		t.Fatal(err)
	}
	const want = `,"response_format":{"type":"json_schema","json_schema":{"name":"rating","strict":true,` +
		`"schema":{"type":"object",` +
		`"additionalProperties":false,` +
		`"required":["reason","ratings","styles"],"properties":{"reason":{"type":"string"},` +
		`"ratings":{"type":"object","additionalProperties":false,"required":["bird song","\"wing\" shape"],"properties":{` +
		`"bird song":{"type":"integer","enum":[0,1,2,3,4,5]},"\"wing\" shape":{"type":"integer","enum":[0,1,2,3,4,5]}}},` +
		`"styles":{"type":"array","items":{"type":"string","enum":["tweet","word/short-phrase"]}}}}}}`
	if diff := cmp.Diff(want, string(all[3])); diff != "" {
		t.Errorf("plain format (-want +got)\n%s", diff)
	}
	const logprobs = `,"logprobs":true,"top_logprobs":20`
	if len(all) != 6 || all[5] != "" || !strings.Contains(string(all[1]), `"maxItems":2`) {
		t.Fatalf("formats %s", all)
	}
	for i := range 3 {
		if all[2*i] != all[2*i+1]+logprobs || !json.Valid([]byte(`{"n":0`+all[2*i]+`}`)) {
			t.Errorf("format %s with logprobs, and without %s", all[2*i], all[2*i+1])
		}
	}
}

// The instructions explain every name that an answer must use. They are short enough for small contexts.
func TestInstructions(t *testing.T) {
	t.Parallel()
	r := rubric.Default()
	text := instructions(r, answerForm)
	for _, name := range append(r.Capabilities, r.Styles...) {
		if !strings.Contains(text, "\n- "+name+": ") {
			t.Errorf("%q is not explained", name)
		}
	}
	if len(text) > 5000 {
		t.Errorf("%d bytes", len(text))
	}
	if own := instructions(birds(t), answerForm); !strings.Contains(own, "\n- bird song\n") {
		t.Errorf("a capability of a user's own is not named:\n%s", own)
	}
}
