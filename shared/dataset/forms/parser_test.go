package forms

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// offReference are the flags of a sample that the reference does not support.
var offReference = []string{dataset.OffReference}

// valid is a record without a problem.
const valid = `{"id": "a", "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}`

var demo = dataset.Place{Manifest: "demo.json", Element: 7, Line: 81}

// asked returns the field of a conversation with this question and one answer.
func asked(question string) string {
	return fmt.Sprintf(`"conversations": [{"from": "human", "value": %q}, {"from": "gpt", "value": "So."}]`, question)
}

// talk returns the turns of a record with this question and one answer.
func talk(question string) []dataset.Turn {
	return []dataset.Turn{dataset.NewTurn(dataset.Human, question, 1), dataset.NewTurn(dataset.Model, "So.", 0)}
}

// A parsedCase is a record, and the expected sample without Place and Raw.
type parsedCase struct {
	raw  string
	want dataset.Sample
}

func checkParsed(t *testing.T, cases map[string]parsedCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Place, tc.want.Raw = demo, []byte(tc.raw)
			got := Parse([]byte(tc.raw), demo)
			got.Form = "" // TestRecognised checks the form
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

// Ids are texts. JSON is read as Python reads it.
func TestParseIDsAndText(t *testing.T) {
	t.Parallel()
	why := talk("Why?")
	checkParsed(t, map[string]parsedCase{
		"text only": {`{"id": "a", ` + asked("Why?") + `}`, dataset.Sample{ID: "a", Source: "demo", Turns: why}},
		"odd keys": {
			`{"id": "a", "Image": 7, "model": [], ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"instruction empty": {
			`{"id": "a", "instruction": "", "input": "Why?", "output": "So."}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"id absent": {`{` + asked("Why?") + `}`, dataset.Sample{ID: "demo.json#7", Source: "demo", Turns: why}},
		"id null":   {`{"id": null, ` + asked("Why?") + `}`, dataset.Sample{ID: "demo.json#7", Source: "demo", Turns: why}},
		"id NaN": {
			`{"id": NaN, "score": -Infinity, "n": [Infinity], "s": "NaN", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "demo.json#7", Source: "demo", Turns: why},
		},
		"id empty": {
			`{"id": "", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "demo.json#7", Source: "demo", Turns: why},
		},
		"id as a number": {`{"id": 1.50e2, ` + asked("Why?") + `}`, dataset.Sample{ID: "1.50e2", Source: "demo", Turns: why}},
		"id far too large": {
			`{"id": 12345678901234567890, ` + asked("Why?") + `}`,
			dataset.Sample{ID: "12345678901234567890", Source: "demo", Turns: why},
		},
		"id twice": {`{"id": "a", "id": "b", ` + asked("Why?") + `}`, dataset.Sample{ID: "b", Source: "demo", Turns: why}},
		"escaped key and text": {
			`{"i\u0064": "\u00e4\n", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "ä\n", Source: "demo", Turns: why},
		},
		"half a surrogate": {
			`{"id": "a\ud800", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a\ufffd", Source: "demo", Turns: why},
		},
		"white space": {
			" {\n\"id\" :\t\"a\" ,\r\n" + asked("Why?") + " }\n",
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
	})
}

// Images are named in several ways. The source is the folder of the first image.
func TestParseImages(t *testing.T) {
	t.Parallel()
	why := talk("Why?")
	what := talk("<image>\nWhat?")
	checkParsed(t, map[string]parsedCase{
		"image NaN": {
			`{"id": "a", "image": NaN, ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"image": {
			`{"id": "a", "image": "coco/train/1.jpg", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "coco", Turns: what, Images: []dataset.Image{{Name: "coco/train/1.jpg"}}},
		},
		"image in no folder": {
			`{"id": "a", "image": "./1.jpg", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: what, Images: []dataset.Image{{Name: "./1.jpg"}}},
		},
		"image in a bucket": {
			`{"id": "a", "image": "gs://bucket/vg/1.jpg", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "vg", Turns: what, Images: []dataset.Image{{Name: "gs://bucket/vg/1.jpg"}}},
		},
		"image in a bucket's root": {
			`{"id": "a", "image": "gs://bucket/1.jpg", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: what, Images: []dataset.Image{{Name: "gs://bucket/1.jpg"}}},
		},
		"image null": {
			`{"id": "a", "image": null, ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"image empty": {
			`{"id": "a", "image": "", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"image list empty": {
			`{"id": "a", "image": [null, ""], ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"image list": {
			`{"id": "a", "image": ["x/1.jpg", {"path": "y/2.jpg", "bytes": null}], ` + asked("<image><image> Same?") + `}`,
			dataset.Sample{
				ID: "a", Source: "x", Turns: talk("<image><image> Same?"),
				Images: []dataset.Image{{Name: "x/1.jpg"}, {Name: "y/2.jpg"}},
			},
		},
		"images": {
			`{"id": "a", "image": [], "images": ["x/1.jpg"], ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "x", Turns: what, Images: []dataset.Image{{Name: "x/1.jpg"}}},
		},
		"image before images": {
			`{"id": "a", "image": "x/1.jpg", "images": ["y/1.jpg", "y/2.jpg"], ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "x", Turns: what, Images: []dataset.Image{{Name: "x/1.jpg"}}},
		},
	})
}

// Images are embedded as data URLs, or as base64 in a field.
func TestParseEmbeddedImages(t *testing.T) {
	t.Parallel()
	what := talk("<image>\nWhat?")
	checkParsed(t, map[string]parsedCase{
		"data URL": {
			`{"id": "a", "image": "data:image/png;base64,aGk=", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: what, Images: []dataset.Image{{Data: []byte("hi")}}},
		},
		"data URL in capitals": {
			`{"id": "a", "image": "DATA:;BASE64,aGk=", ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: what, Images: []dataset.Image{{Data: []byte("hi")}}},
		},
		"embedded bytes": {
			`{"id": "a", "image": {"bytes": "aGk=", "path": "x/1.jpg"}, ` + asked("<image>\nWhat?") + `}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: what, Images: []dataset.Image{{Data: []byte("hi")}}},
		},
		"folder of the first named image": {
			`{"id": "a", "image": ["data:;base64,aGk=", "x/1.jpg"], ` + asked("<image><image> Same?") + `}`,
			dataset.Sample{
				ID: "a", Source: "x", Turns: talk("<image><image> Same?"),
				Images: []dataset.Image{{Data: []byte("hi")}, {Name: "x/1.jpg"}},
			},
		},
	})
}

// A source field takes precedence over the folder. The source fields have an order.
func TestParseSources(t *testing.T) {
	t.Parallel()
	why := talk("Why?")
	checkParsed(t, map[string]parsedCase{
		"data_source first": {
			`{"id": "a", "source": "c", "image_source": "b", "data_source": "a", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "a", Turns: why},
		},
		"then image_source": {
			`{"id": "a", "source": "c", "image_source": "b", "data_source": "", ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "b", Turns: why},
		},
		"then source": {
			`{"id": "a", "source": "c", "image_source": 7, ` + asked("Why?") + `}`,
			dataset.Sample{ID: "a", Source: "c", Turns: why},
		},
	})
}

// Turns are read in any form. A record may mix the forms of turns.
func TestParseTurns(t *testing.T) {
	t.Parallel()
	why := talk("Why?")
	checkParsed(t, map[string]parsedCase{
		"messages": {
			`{"id": "a", "messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"mixed forms": {
			`{"id": "a", "conversations": null, "messages": [{"from": "user", "content": "Why?"}, ` +
				`{"role": "model", "from": null, "value": "So.", "weight": 1}]}`,
			dataset.Sample{ID: "a", Source: "demo", Turns: why},
		},
		"marks in any turn": {
			`{"id": "a", "image": ["x/1.jpg", "x/2.jpg"], "conversations": [` +
				`{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}, ` +
				`{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "Like <image>"}]}`,
			dataset.Sample{
				ID: "a", Source: "x", Images: []dataset.Image{{Name: "x/1.jpg"}, {Name: "x/2.jpg"}},
				Turns: append(talk("Why?"), dataset.NewTurn(dataset.Human, "<image>", 1),
					dataset.NewTurn(dataset.Model, "Like <image>", 2)),
			},
		},
		"last question unanswered": {
			`{"id": "a", ` + turns(question, answer, `{"from": "human", "value": "And?"}`) + `}`,
			dataset.Sample{
				ID: "a", Source: "demo", Turns: append(talk("Why?"), dataset.NewTurn(dataset.Human, "And?", 0)),
				Flags: offReference,
			},
		},
	})
}

// A problemCase is a record and its problem.
type problemCase struct {
	raw           string
	code          reason.Code
	field, detail string // detail is a part of the problem's detail
}

func checkProblems(t *testing.T, cases map[string]problemCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Parse([]byte(tc.raw), demo)
			if s.Problem == nil {
				t.Fatal("Parse finds no problem")
			}
			if s.ID != "demo.json#7" || string(s.Raw) != tc.raw || s.Place != demo || s.Problem.Place != demo {
				t.Errorf("the sample has not kept its record and place: %+v", s)
			}
			if s.Problem.Code != tc.code || s.Problem.Field != tc.field ||
				!strings.Contains(s.Problem.Detail, tc.detail) {
				t.Errorf("Parse: %q, want %q at %q with %q", s.Problem.Reason(), tc.code, tc.field, tc.detail)
			}
			if !strings.Contains(s.Problem.Detail, ";") || len(s.Problem.Detail) > 250 {
				t.Errorf("the detail %q gives no fix, or is long", s.Problem.Detail)
			}
		})
	}
}

// recordOf returns a record with these turns.
func recordOf(list ...string) string { return "{" + turns(list...) + "}" }

// A record must be a JSON object in UTF-8.
func TestParseProblemsOfJSON(t *testing.T) {
	t.Parallel()
	checkProblems(t, map[string]problemCase{
		"nothing": {``, dataset.NotAnObject, "", "unexpected end of JSON input at byte 0"},
		"broken JSON": {
			`{"id": "a" "b"}`,
			dataset.NotAnObject, "", "invalid character '\"' after object key:value pair at byte 12",
		},
		"control character": {"{\"id\": \"a\nb\"}", dataset.NotAnObject, "", `invalid character '\n' in string`},
		"a comment": {
			`{"id": "a", /* two */ "image": 1}`, dataset.NotAnObject, "",
			`at byte 13 of the record: "/* two */ \"image\": 1}"; JSON has no comments: remove them`,
		},
		"NaN in a word": {`{"id": xNaN}`, dataset.NotAnObject, "", "invalid character 'x'"},
		"NaN as a key":  {`{NaN: 1}`, dataset.NotAnObject, "", "at byte 2"},
		"NaN, then a fault": {
			`{"id": NaN, "a" 1}`,
			dataset.NotAnObject, "", "invalid character '1' after object key at byte 17",
		},
		"NaN alone":      {`NaN`, dataset.NotAnObject, "", "the record is null"},
		"minus Infinity": {`-Infinity`, dataset.NotAnObject, "", "the record is null"},
		"other keys": {
			`{"id": NaN, "da\u0074a": [], "text": "a"}`,
			dataset.NoConversation, "conversations", `the record has no turns, only "id", "data", "text"; add the turns`,
		},
		"cut short": {
			`{"id": "a", `, dataset.NotAnObject, "",
			"the line ends within the record, after byte 11: the record is cut short, or continues on the next line",
		},
		"two values": {`{} {}`, dataset.NotAnObject, "", "another record begins on the same line, at byte 3; write each"},
		"a comment after": {
			`{} // a`, dataset.NotAnObject, "", `found "// a" after the end of the record, at byte 3; remove it`,
		},
		"a later line": {
			`"id": "a"}`, dataset.NotAnObject, "", `the line is a part of a record: found "\"id\": \"a\"}" where`,
		},
		"a last line": {`}`, dataset.NotAnObject, "", `the line is a part of a record: found "}" where a record begins`},
		"nested too deep": {
			strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
			dataset.NotAnObject, "[0][0][0][0]…", "more than 10000 lists and objects are nested in each other; the " +
				"first one that is too deep begins at byte 10000 of the record; write the field with fewer " +
				"levels, or remove it",
		},
		"a list":        {` [1]`, dataset.NotAnObject, "", "the record is a list"},
		"a string":      {`"a"`, dataset.NotAnObject, "", "the record is a string"},
		"a number":      {`-7`, dataset.NotAnObject, "", "the record is a number"},
		"a truth value": {`true`, dataset.NotAnObject, "", "the record is true or false"},
		"null":          {`null`, dataset.NotAnObject, "", "the record is null"},
		"id of another type": {
			`{"id": ["a"], ` + asked("Why?") + `}`,
			dataset.WrongType, "id", "found a list; write a string or a number",
		},
		"not UTF-8": {
			"{" + strings.Replace(asked("?"), "?", "\xd6\xd0", 1) + "}",
			dataset.NotUTF8, "", "byte 0xd6 at byte 47 of the record is not UTF-8 text; save the file as UTF-8",
		},
		"not UTF-8, nor JSON": {"{\xd6", dataset.NotUTF8, "", "byte 0xd6 at byte 1 of the record"},
	})
}

// The error of a record without turns has the fix that its fields suggest.
func TestNoTurns(t *testing.T) {
	t.Parallel()
	checkProblems(t, map[string]problemCase{
		"fields in another case": {
			`{"ID": 1, "Conversations": []}`,
			dataset.NoConversation, "conversations", `rename "Conversations" to "conversations"`,
		},
		"a question and an answer": {
			`{"image": "a.png", "question": "Why?", "answer": "So."}`,
			dataset.NoConversation, "conversations", `name the question "query" and the answer "response"`,
		},
		"a preference pair": {
			`{"prompt": "Why?", "chosen": "So.", "rejected": "No."}`,
			dataset.NoConversation, "conversations", `to train on the chosen answer, rename its field to "completion"`,
		},
		"records by their names": {
			`{"a": ` + valid + `, "b": ` + valid + `}`,
			dataset.NoConversation, "conversations", "the file is one object whose keys name its records",
		},
		"records by their names, and another": {
			`{"a": ` + valid + `, "b": 1}`,
			dataset.NoConversation, "conversations", `only "a", "b"; add the turns of a human and the model`,
		},
	})
}

// A conversation needs turns that have known roles and are not empty.
func TestParseProblemsOfTurns(t *testing.T) {
	t.Parallel()
	checkProblems(t, map[string]problemCase{
		"no conversation":    {`{"id": null}`, dataset.NoConversation, "conversations", "the record has no turns"},
		"conversation null":  {`{"conversations": null}`, dataset.NoConversation, "conversations", "the field is null"},
		"conversation empty": {recordOf(), dataset.NoConversation, "conversations", "the list is empty"},
		"messages empty":     {`{"messages": [ ]}`, dataset.NoConversation, "messages", "the list is empty"},
		"conversation a string": {
			`{"conversations": "Why? So."}`,
			dataset.WrongType, "conversations", "found a string; write a list of turns",
		},
		"turn a string": {
			recordOf(question, `"So."`),
			dataset.WrongType, "conversations[1]", "found a string; write a turn like",
		},
		"turn null": {recordOf(question, `null`), dataset.WrongType, "conversations[1]", "found null; write a turn like"},
		"role unknown": {
			recordOf(question, `{"from": "bing", "value": "So."}`),
			dataset.RoleUnknown, "conversations[1].from", `found "bing"; write one of human/user, gpt/`,
		},
		"role in capitals": {
			recordOf(`{"from": "Human", "value": "Why?"}`, answer),
			dataset.RoleUnknown, "conversations[0].from", `found "Human"`,
		},
		"role absent": {
			recordOf(`{"value": "Why?"}`, answer),
			dataset.RoleUnknown, "conversations[0].from", "the turn has no role",
		},
		"role a number": {
			recordOf(`{"from": 1, "value": "Why?"}`, answer),
			dataset.WrongType, "conversations[0].from", "found a number; write human or gpt",
		},
		"no question": {recordOf(answer), dataset.NoQuestion, "conversations", "there is no human turn"},
		"only a system turn": {
			`{"messages": [{"role": "system", "content": "Be kind."}]}`,
			dataset.NoQuestion, "messages", "there is no human turn",
		},
		"answer first only": {
			recordOf(answer, question),
			dataset.NoAnswer, "conversations", "there is no model turn after the first human turn",
		},
		"no answer": {recordOf(question), dataset.NoAnswer, "conversations", "there is no model turn"},
	})
}

// The text of a turn must not be blank.
func TestParseProblemsOfTexts(t *testing.T) {
	t.Parallel()
	checkProblems(t, map[string]problemCase{
		"text empty": {
			recordOf(question, `{"from": "gpt", "value": ""}`),
			dataset.EmptyTurn, "conversations[1].value", "the turn's text is blank",
		},
		"text blank": {
			recordOf(`{"from": "human", "value": " \n\u00a0"}`, answer),
			dataset.EmptyTurn, "conversations[0].value", "the turn's text is blank",
		},
		"text null": {
			recordOf(question, `{"from": "gpt", "value": null}`),
			dataset.EmptyTurn, "conversations[1].value", "the turn has no text",
		},
		"text null, next to an image": {
			`{"image": "a.png", "conversations": [{"from": "human", "value": null}, ` + answer + `]}`,
			dataset.EmptyTurn, "conversations[0].value", "the turn has no text",
		},
		"content absent": {
			`{"messages": [{"role": "user"}, {"role": "assistant", "content": "So."}]}`,
			dataset.EmptyTurn, "messages[0].content", "the turn has no text",
		},
		"text true": {
			recordOf(question, `{"from": "gpt", "value": true}`),
			dataset.WrongType, "conversations[1].value", "found true or false; write the turn's text as one string",
		},
		"text an object": {
			recordOf(question, `{"from": "gpt", "value": {"text": "So."}}`),
			dataset.WrongType, "conversations[1].value", "found an object; write the turn's text",
		},
		"text a list": {
			recordOf(question, `{"from": "gpt", "value": ["So.", "Yes."]}`),
			dataset.WrongType, "conversations[1].value", "found a list; write the turn's text",
		},
		"joined turns blank": {
			recordOf(`{"from": "human", "value": " "}, {"from": "human", "value": null}`, answer),
			dataset.EmptyTurn, "conversations[0].value", "the turn's text is blank",
		},
	})
}

// Content parts are texts and images.
func TestParseProblemsOfParts(t *testing.T) {
	t.Parallel()
	checkProblems(t, map[string]problemCase{
		"part of a number": {
			recordOf(question, `{"from": "gpt", "value": [{"type": 1}]}`),
			dataset.WrongType, "conversations[1].value[0].type", "found a number; write text or image",
		},
		"part of another type": {
			recordOf(question, `{"from": "gpt", "value": [{"type": "table"}]}`),
			dataset.WrongType, "conversations[1].value[0].type", `found "table"; write a part`,
		},
		"part's text a list": {
			recordOf(question, `{"from": "gpt", "value": [{"type": "text", "text": []}]}`),
			dataset.WrongType, "conversations[1].value[0].text", "found a list",
		},
		"part's image not found": {
			recordOf(`{"from": "human", "value": [{"type": "image", "image": "../a.png"}]}`, answer),
			dataset.ImageNameUnsafe, "conversations[0].value[0].image", "leads out",
		},
		"parts empty": {
			recordOf(question, `{"from": "gpt", "value": []}`),
			dataset.EmptyTurn, "conversations[1].value", "the turn's text is blank",
		},
	})
}

// Images must have a name inside the dataset's folder, or be embedded as base64.
func TestParseProblemsOfImages(t *testing.T) {
	t.Parallel()
	image := func(value string) string { return `{"image": ` + value + `, ` + asked("<image>\nWhat?") + `}` }
	checkProblems(t, map[string]problemCase{
		"image a number": {image(`7`), dataset.WrongType, "image", "found a number; write an image's name"},
		"image list in a list": {
			image(`["a.png", ["b.png"]]`),
			dataset.WrongType, "image[1]", "found a list; write an image's name",
		},
		"image object empty": {image(`{"bytes": null}`), dataset.WrongType, "image", "neither bytes nor path"},
		"image bytes as numbers": {
			image(`{"bytes": [1, 2]}`),
			dataset.WrongType, "image.bytes", "found a list; write the image as base64",
		},
		"image path a number": {
			image(`{"path": 1}`),
			dataset.WrongType, "image.path", "found a number; write the image's name",
		},
		"image name of no file": {
			image(`"file://host/a.png"`),
			dataset.ImageNameUnsafe, "image", `"file://host/a.png" is not a URL`,
		},
		"image name escaping": {
			`{"images": ["a.png", "../b.png"], ` + asked("<image>\nWhat?") + `}`,
			dataset.ImageNameUnsafe, "images[1]", `"../b.png" leads out`,
		},
		"image name of a website": {
			image(`{"path": "https://host/a.png"}`),
			dataset.ImageNameUnsafe, "image.path", "is a URL",
		},
		"image as plain base64": {
			image(`"` + strings.Repeat("iVBORw0KGgoA", 100) + `"`),
			dataset.ImageNameUnsafe, "image", "embed image data as data:image/jpeg;base64,",
		},
		"data URL not base64": {
			image(`"data:image/svg+xml,<svg/>"`),
			dataset.ImageDataBroken, "image", "found \"data:image/svg+xml,<svg/>\"; write data:",
		},
		"data URL without data": {
			image(`"data:image/png;base64"`),
			dataset.ImageDataBroken, "image", "found \"data:image/png;base64\"; write data:",
		},
		"data URL broken": {
			image(`"data:image/png;base64,a?=="`),
			dataset.ImageDataBroken, "image", "illegal base64 data at input byte 1",
		},
		"data URL empty": {
			image(`["data:image/png;base64,"]`),
			dataset.ImageDataBroken, "image[0]", "the data is empty",
		},
		"bytes broken":         {image(`{"bytes": "aGk"}`), dataset.ImageDataBroken, "image.bytes", "illegal base64 data"},
		"the first of several": {`{"id": true, "image": 7}`, dataset.WrongType, "id", "found true or false"},
	})
}

// A sample with a problem has all the data that could be read.
func TestParseKeepsTheRest(t *testing.T) {
	t.Parallel()
	raw := []byte(
		`{"id": "a", "source": "vg", "image": ["x/1.jpg", "../2.jpg"], ` +
			`"conversations": [{"from": "bing", "value": "Hi"}, {"from": "human", "value": "Why?"}]}`,
	)
	want := &dataset.Sample{
		ID: "a", Source: "vg", Turns: []dataset.Turn{dataset.NewTurn(dataset.Human, "Why?", 0)},
		Images: []dataset.Image{{Name: "x/1.jpg"}},
		Place:  demo, Raw: raw,
		Problem: &dataset.Problem{Place: demo, Fault: dataset.Fault{
			Code: dataset.RoleUnknown, Field: "conversations[0].from",
			Detail: `found "bing"; write one of human/user, gpt/assistant/model/bot, system/developer, ` +
				`tool/tool_call/tool_calls/tool_response/function/function_call/function_response/observation/ipython`,
		}},
	}
	want.Form = "LLaVA"
	if diff := cmp.Diff(want, Parse(raw, demo)); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}
