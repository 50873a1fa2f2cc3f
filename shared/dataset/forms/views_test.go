package forms

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// A view has the turns of a sample, its rated turns, and the names of its images. A turn is written as `role: text`,
// with [k] for image k.
type view struct {
	turns, rated []string
	images       string
	flagged      bool
}

func viewOf(s *dataset.Sample) view {
	lines := func(turns []dataset.Turn) (lines []string) {
		for _, t := range turns {
			line := string(t.Role) + ": "
			for _, segment := range t.Segments {
				if segment.Image > 0 {
					line += "[" + string(rune('0'+segment.Image)) + "]"
				}
				line += segment.Text
			}
			lines = append(lines, line)
		}
		return lines
	}
	var names []string
	for _, image := range s.Images {
		names = append(names, image.Name+string(image.Data))
	}
	return view{lines(s.Turns), lines(s.Rated()), strings.Join(names, " "), s.Flags != nil}
}

// Fields of records, and the turns of a record with one question and one answer.
const (
	one      = `"image": "a.png", `
	two      = `"images": ["a.png", "b.png"], `
	question = `{"from": "human", "value": "Why?"}`
	answer   = `{"from": "gpt", "value": "So."}`
)

var both = []string{"human: Why?", "gpt: So."}

// said returns a turn; value is JSON.
func said(from, value string) string { return `{"from": "` + from + `", "value": ` + value + `}` }

// turns returns the field conversations with these turns.
func turns(list ...string) string { return `"conversations": [` + strings.Join(list, `, `) + `]` }

// parts returns a field with two turns. The first turn has these content parts.
func parts(list string) string {
	return `"messages": [{"role": "user", "content": [` + list + `]}, {"role": "assistant", "content": "So."}]`
}

// plain returns a view whose turns are all rated. flagged returns such a view with a flag.
func plain(images string, turns ...string) view   { return view{turns, turns, images, false} }
func flagged(images string, turns ...string) view { return view{turns, turns, images, true} }

// A viewCase has the fields of a record, and its expected view.
type viewCase struct {
	fields string
	want   view
}

func checkViews(t *testing.T, cases map[string]viewCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Parse([]byte("{"+tc.fields+"}"), demo)
			if s.Problem != nil {
				t.Fatal(s.Problem)
			}
			if diff := cmp.Diff(tc.want, viewOf(s), cmp.AllowUnexported(view{})); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

// System turns are not rated. Turns of one side are joined.
func TestParseTurnsAsTrainersDo(t *testing.T) {
	t.Parallel()
	checkViews(t, map[string]viewCase{
		"plain": {turns(question, answer), plain("", both...)},
		"system turn": {
			turns(said("system", `"Be kind."`), question, answer),
			view{append([]string{"system: Be kind."}, both...), both, "", true},
		},
		"empty system turn": {
			turns(said("system", `""`), question, answer),
			view{append([]string{"system: "}, both...), both, "", true},
		},
		"developer in the middle": {
			turns(question, said("developer", `"Hm."`), answer),
			view{[]string{both[0], "system: Hm.", both[1]}, both, "", true},
		},
		"system field": {
			`"system": "Be kind.", ` + turns(question, answer),
			view{append([]string{"system: Be kind."}, both...), both, "", true},
		},
		"system field blank": {`"system": " ", ` + turns(question, answer), plain("", both...)},
		"two turns of each side": {
			turns(said("human", `"Hi."`), question, said("gpt", `"Yes."`), answer),
			view{
				[]string{"human: Hi.", both[0], "gpt: Yes.", both[1]}, []string{"human: Hi.\nWhy?", "gpt: Yes.\nSo."},
				"", true,
			},
		},
		"a blank turn next to a turn with a text": {
			turns(said("human", `""`), question, answer),
			view{[]string{"human: ", both[0], both[1]}, []string{"human: \nWhy?", both[1]}, "", true},
		},
		"model turn first": {
			turns(said("gpt", `""`), answer, question, answer),
			view{[]string{"gpt: ", "gpt: So.", both[0], both[1]}, both, "", true},
		},
		"last human turn": {
			turns(question, answer, question),
			view{append(both[:2:2], both[0]), append(both[:2:2], both[0]), "", true},
		},
		"numbers": {turns(said("human", `3.50e1`), said("gpt", `-0`)), flagged("", "human: 3.50e1", "gpt: -0")},
		"pairs": {
			`"conversation": [{"human": "Why?", "assistant": "So."}, {"human": "And?", "assistant": 3}]`,
			flagged("", both[0], both[1], "human: And?", "gpt: 3"),
		},
		"conversation of roles": {
			`"conversation": [{"role": "user", "content": "Why?"}, {"role": "bot", "content": "So."}]`,
			plain("", both...),
		},
	})
}

// Tool turns are not rated. The answers before and after them are joined.
func TestParseToolsAsTrainersDo(t *testing.T) {
	t.Parallel()
	checkViews(t, map[string]viewCase{
		"tool turns": {
			turns(question, said("function_call", `"{}"`), said("observation", `"12"`), answer),
			view{[]string{both[0], "tool: {}", "tool: 12", both[1]}, both, "", true},
		},
		"a call without text": {
			`"messages": [{"role": "user", "content": "Why?"}, ` +
				`{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}, ` +
				`{"role": "tool", "content": "12"}, {"role": "assistant", "content": "So."}]`,
			view{[]string{both[0], "tool: ", "tool: 12", both[1]}, both, "", true},
		},
		"answer around a call": {
			turns(question, said("gpt", `"Hm."`), said("tool", `"12"`), answer),
			view{[]string{both[0], "gpt: Hm.", "tool: 12", both[1]}, []string{both[0], "gpt: Hm.\nSo."}, "", true},
		},
	})
}

// Images without marks come before the first question. Without an image, a mark is text.
func TestParseImagesAsTrainersDo(t *testing.T) {
	t.Parallel()
	checkViews(t, map[string]viewCase{
		"a question and an image": {
			one + turns(question, said("human", `"<image>"`), answer),
			view{[]string{both[0], "human: [1]", both[1]}, []string{"human: Why?\n[1]", both[1]}, "a.png", true},
		},
		"an image without a mark": {one + turns(question, answer), flagged("a.png", "human: [1]\nWhy?", both[1])},
		"two images without a mark": {
			two + turns(said("system", `"Be kind."`), question, answer),
			view{
				[]string{"system: Be kind.", "human: [1]\n[2]\nWhy?", both[1]},
				[]string{"human: [1]\n[2]\nWhy?", both[1]}, "a.png b.png", true,
			},
		},
		"an image and no question": {
			one + turns(said("human", `""`), answer),
			flagged("a.png", "human: [1]\n", both[1]),
		},
		"the word <image>": {
			turns(said("human", `"<image>\nWhy?"`), said("gpt", `"Use <image>."`)),
			flagged("", "human: <image>\nWhy?", "gpt: Use <image>."),
		},
		"the word <image>, and a field without an image": {
			`"image": null, ` + turns(question, said("gpt", `"Use <image>."`)),
			flagged("", both[0], "gpt: Use <image>."),
		},
		"the word <image> in a system turn": {
			one + turns(said("system", `"Look at <image>."`), question, answer),
			view{
				[]string{"system: Look at <image>.", "human: [1]\nWhy?", both[1]},
				[]string{"human: [1]\nWhy?", both[1]}, "a.png", true,
			},
		},
		"an image in a tool turn": {
			two + turns(said("human", `"<image>Why?"`), said("tool", `"<image>"`), answer),
			view{[]string{"human: [1]Why?", "tool: [2]", both[1]}, []string{"human: [1]Why?", both[1]}, "a.png b.png", true},
		},
		"the word <image> in a tool turn": {
			one + turns(said("human", `"<image>Why?"`), said("tool", `"<image>"`), answer),
			view{[]string{"human: [1]Why?", "tool: <image>", both[1]}, []string{"human: [1]Why?", both[1]}, "a.png", true},
		},
	})
}

// Content parts are texts and images of their turn.
func TestParseContentParts(t *testing.T) {
	t.Parallel()
	checkViews(t, map[string]viewCase{
		"parts of text": {
			parts(`{"type": "text", "text": "W"}, {"type": "input_text", "text": "hy?"}`),
			plain("", both...),
		},
		"parts with images": {
			parts(`{"type": "image_url", "image_url": {"url": "data:;base64,aGk=", "detail": "low"}}, ` +
				`{"type": "text", "text": " and "}, {"type": "image", "image": "b.png"}, ` +
				`{"type": "input_image", "image_url": "c.png"}`),
			plain("hi b.png c.png", "human: [1] and [2][3]", both[1]),
		},
		"parts without a type": {
			parts(`{"image": "b.png"}, {"text": "Why?"}`),
			plain("b.png", "human: [1]Why?", both[1]),
		},
		"parts of one type for a table": {
			parts(`{"type": "image", "text": null, "image": "b.png"}, {"type": "text", "text": "Why?", "image": null}`),
			plain("b.png", "human: [1]Why?", both[1]),
		},
		"a part with a source": {
			parts(`{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}`),
			plain("hi", "human: [1]", both[1]),
		},
		"parts that stand for the field's images": {
			two + parts(`{"type": "image"}, {"type": "text", "text": "or"}, {"type": "image"}`),
			plain("a.png b.png", "human: [1]or[2]", both[1]),
		},
		"marks in parts of text": {
			one + parts(`{"type": "text", "text": "<image>\nWhy?"}`),
			plain("a.png", "human: [1]\nWhy?", both[1]),
		},
		"the word <image> next to an image part": {
			parts(`{"type": "image", "image": "b.png"}, {"type": "text", "text": "Is <image> a tag?"}`),
			flagged("b.png", "human: [1]Is <image> a tag?", both[1]),
		},
		"a tool's part": {
			parts(`{"type": "text", "text": "Why?"}, {"type": "tool_result", "content": "12"}`),
			flagged("", both...),
		},
	})
}

// Marks of other projects are read as <image>.
func TestParseMarksOfOtherProjects(t *testing.T) {
	t.Parallel()
	checkViews(t, map[string]viewCase{
		"marks of other projects": {
			two + turns(said("human", `"<image1> or <image2>?"`), answer),
			flagged("a.png b.png", "human: [1] or [2]?", both[1]),
		},
		"a mark with a blank": {
			one + turns(said("human", `"<image 1>?"`), answer),
			flagged("a.png", "human: [1]?", both[1]),
		},
		"<ImageHere>": {one + turns(said("human", `"<ImageHere>?"`), answer), flagged("a.png", "human: [1]?", both[1])},
		"<__dj__image>": {
			one + turns(said("human", `"<__dj__image>?"`), answer),
			flagged("a.png", "human: [1]?", both[1]),
		},
		"<|image_1|>": {one + turns(said("human", `"<|image_1|>?"`), answer), flagged("a.png", "human: [1]?", both[1])},
		"the word <video>": {
			turns(said("human", `"What is <video>?"`), answer),
			flagged("", "human: What is <video>?", both[1]),
		},
		"the word <img>": {
			turns(said("human", `"What is <img> in <img>.html?"`), answer),
			flagged("", "human: What is <img> in <img>.html?", both[1]),
		},
		"<img> of an answer": {
			turns(question, said("gpt", `"<img>a.png</img>"`)),
			flagged("", both[0], "gpt: <img>a.png</img>"),
		},
		"empty media fields": {
			`"video": null, "audios": [], "voice": "", "videos": [{"path": null}], "image_path": "", ` + turns(question, answer),
			plain("", both...),
		},
		"image_url of an image": {
			`"image_url": "https://host/a.png", ` + one + turns(said("human", `"<image>"`), answer),
			plain("a.png", "human: [1]", both[1]),
		},
	})
}

// A mediaCase has the fields of a record, and its problem.
type mediaCase struct {
	fields        string
	code          reason.Code
	field, detail string // detail is a part of the problem's detail
}

func checkMedia(t *testing.T, cases map[string]mediaCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Parse([]byte("{"+tc.fields+"}"), demo)
			if s.Problem == nil {
				t.Fatalf("Parse finds no problem: %+v", viewOf(s))
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

// A record with media that Harvest does not read never becomes a sample with only text.
func TestParseUnsupportedMedia(t *testing.T) {
	t.Parallel()
	checkMedia(t, map[string]mediaCase{
		"video": {`"video": "a.mp4", ` + asked("<video>\nWhat?"), dataset.UnsupportedMedia, "video", "it has video"},
		"videos": {
			`"images": [], "videos": ["a.mp4"], ` + asked("What?"), dataset.UnsupportedMedia, "videos", "it has video",
		},
		"audio with a table": {
			`"audios": [{"path": "a.wav", "bytes": null}], ` + asked("What?"), dataset.UnsupportedMedia, "audios",
			"it has audio",
		},
		"speech": {`"speech": "a.wav", ` + asked("What?"), dataset.UnsupportedMedia, "speech", "it has speech"},
		"voices, as a path": {
			`"voice_path": "a.wav", ` + asked("What?"),
			dataset.UnsupportedMedia, "voice_path", "it has voice",
		},
		"nested deep": {
			`"video": [[[[[[]]]]]], ` + asked("What?"),
			dataset.UnsupportedMedia, "video", "it has video",
		},
		"image_path": {
			`"image_path": "a.png", ` + asked("<image>\nWhat?"), dataset.UnsupportedMedia, "image_path", "rename it to image",
		},
		"a video's mark": {
			asked(" <video>What?"), dataset.UnsupportedMedia, "conversations[0].value", "the turn begins with <video>",
		},
		"after an image's": {
			`"image": "a.png", ` + asked("<image>\n<audio>\nWhat?"), dataset.UnsupportedMedia, "conversations[0].value",
			"the turn begins with <audio>",
		},
		"a file of OpenAI's": {
			parts(`{"type": "input_image", "file_id": "file-1"}`), dataset.UnsupportedMedia,
			"messages[0].content[0].file_id", "a file that OpenAI stores",
		},
		"an index that no image has": {
			two + parts(`{"type": "image", "index": 0}, {"type": "image", "index": 2}`), dataset.ImageCount, "images",
			"each of the 2 images once",
		},
		"Qwen-Audio's": {
			asked("Audio 1: <audio>a.wav</audio>\nWhat?"), dataset.UnsupportedMedia, "conversations[0].value",
			"<audio>a.wav</audio>",
		},
		"a part of video": {
			parts(`{"type": "video_url", "video_url": {"url": "a.mp4"}}`), dataset.UnsupportedMedia, "messages[0].content[0]",
			"it has video",
		},
		"a part of a file": {
			parts(`{"type": "text", "text": "What?"}, {"type": "file", "file": {}}`), dataset.UnsupportedMedia,
			"messages[0].content[1]", "it has file",
		},
	})
}

// A pair of Qwen-VL's tags names an image. The record must not have images in a field.
func TestParseTagsOfQwenVL(t *testing.T) {
	t.Parallel()
	checkMedia(t, map[string]mediaCase{
		"Qwen-VL's images next to others": {
			one + asked("Picture 1: <img>im/a b.png</img>\nWhat?"), dataset.ImageCount, "conversations[0].value",
			`found "<img>im/a b.png</img>" in a record whose field image has images`,
		},
		"Qwen-VL's tag without an end": {
			asked("Picture 1: <img>im/a.png\nWhat?"), dataset.ImageCount, "conversations[0].value",
			`the tag "<img>im/a.png" has no end; write <img>im/a.png</img>`,
		},
		"one tag of two without an end": {
			asked("<img>a.png</img><img>b.JPG"), dataset.ImageCount, "conversations[0].value", `"<img>b.JPG" has no end`,
		},
		"Qwen-VL's image outside": {
			asked("Picture 1: <img>../b.png</img>\nWhat?"), dataset.ImageNameUnsafe, "conversations[0].value",
			`"../b.png" leads out of the dataset's images`,
		},
	})
}

// A record whose images have no places never becomes a sample with only text.
func TestParseImageCounts(t *testing.T) {
	t.Parallel()
	checkMedia(t, map[string]mediaCase{
		"one mark, two images": {
			two + asked("<image>\nWhat?"), dataset.ImageCount, "", "1 <image> marks in the turns, but 2 images",
		},
		"three marks, two images": {
			two + asked("<image><image><image>"), dataset.ImageCount, "", "3 <image> marks in the turns, but 2 images",
		},
		"a field that lost images": {
			`"image": "", ` + asked("<image>\nWhat?"), dataset.ImageCount, "image",
			"1 <image> marks in the turns, but the field has no image",
		},
		"the same at a turn's end": {
			`"images": [], ` + asked("What?\n<image>"), dataset.ImageCount, "images", "the field has no image",
		},
		"another mark too few": {
			two + asked("<image1>?"), dataset.ImageCount, "", "found the mark <image1>, in all 1 such marks, but 2 images",
		},
		"other marks out of order": {two + asked("<image2> or <image1>?"), dataset.ImageCount, "", "found the mark <image2>"},
		"a mark twice": {
			two + asked("<image 1> or <image 1>?"),
			dataset.ImageCount, "", "found the mark <image 1>",
		},
		"parts for too many images": {
			two + parts(`{"type": "image"}`), dataset.ImageCount, "images", "1 content parts stand for an image",
		},
		"parts for no image": {parts(`{"type": "image"}`), dataset.ImageCount, "", "which has 0 images"},
		"images twice": {
			two + parts(`{"type": "image", "image": "a.png"}`), dataset.ImageCount, "images",
			"1 images are parts of the turns, and 2 are",
		},
	})
}

// Parsing takes time linear in the record's length, for any content.
func TestParseManyTurns(t *testing.T) {
	t.Parallel()
	const n = 100_000
	repeat := func(item string) string { return strings.Repeat(item+",", n-1) + item }
	user := func(content string) string { return `{"role":"user","content":` + content + `}` }
	const reply = `{"role":"assistant","content":"b"}`
	for name, record := range map[string]string{
		"turns of one side": `{"messages": [` + repeat(user(`"a"`)) + `, ` + reply + `]}`,
		"blank turns":       `{"messages": [` + repeat(user(`""`)+`,{"role":"tool","content":""}`) + `]}`,
		"parts":             `{"messages": [` + user(`[`+repeat(`{"text":"a"}`)+`]`) + `, ` + reply + `]}`,
		"marks": `{"image": [` + repeat(`"a"`) + `], ` +
			`"messages": [` + user(`"`+strings.Repeat("<image>", n)+`"`) + `, ` + reply + `]}`,
		"numbered marks": `{"image": [` + repeat(`"a"`) + `], ` +
			`"messages": [` + user(`"`+strings.Repeat("<image2>", n)+`"`) + `]}`,
		"deep media": `{"video": ` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `, "messages": []}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Parse([]byte(record), demo)
			if texts := strings.Join(s.Texts(), ""); s.Problem == nil && len(texts) < n {
				t.Errorf("texts of %d bytes", len(texts))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range []string{
		valid, `{"id": 1, "image": {"bytes": "aGk="}, "images": ["data:;base64,aGk="]}`,
		`{"messages": [{"role": "user", "content": "a\u0000"}]}`,
		"[[{}", "{\"id\": \"\xff\\ud800\"}", `{"image": ["../a", "gs://b/c", null]}`,
		`{"image": "a", "conversations": [{"from": "system", "value": "<image>"}, {"from": "human", "value": 1}, ` +
			`{"from": "gpt", "value": "b"}]}`,
		`{"images": ["a", "b"], "messages": [{"role": "user", "content": [{"type": "image"}, {"text": "<image>"}, ` +
			`{"image": "c"}]}, {"role": "bot", "content": "d"}]}`,
		`{"image": "a", "conversation": [{"human": "<image 1>", "assistant": "b"}, {"human": "<video>", "tool_calls": [1]}]}`,
		`{"image": null, "img": "a", "conversations": [{"from": "human", "value": "<img>a</img><image>"}, ` +
			`{"from": "tool", "value": ""}]}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := Parse(raw, demo)
		if s.ID == "" || s.Source == "" {
			t.Errorf("no id or no source: %+v", s)
		}
		checkPlaces(t, s)
		if s.Problem != nil {
			if s.Problem.Code == "" || !utf8.ValidString(s.Problem.Detail) {
				t.Errorf("the problem %+v has no message", s.Problem)
			}
			return
		}
		rated := s.Rated()
		if len(rated) < 2 || !utf8.Valid(raw) {
			t.Errorf("accepted as valid: %+v", s)
		}
		for i, turn := range rated {
			if want := []dataset.Role{dataset.Human, dataset.Model}[i%2]; turn.Role != want ||
				strings.TrimSpace(turn.Text()) == "" {
				t.Errorf("rated turn %d is %+v", i, turn)
			}
		}
		for _, image := range s.Images {
			if _, err := dataset.CleanImageName(image.Name); (err == nil) == (image.Data != nil) {
				t.Errorf("accepted as an image: %+v", image)
			}
		}
	})
}

// checkPlaces checks that each image of a valid sample has one place, in order, and that texts do not follow each
// other.
func checkPlaces(t *testing.T, s *dataset.Sample) {
	t.Helper()
	images := 0
	for _, turn := range s.Turns {
		text := false
		for _, segment := range turn.Segments {
			if segment.Image > 0 {
				images++
			}
			if segment.Image != 0 && segment.Image != images || (segment.Image > 0) == (segment.Text != "") ||
				text && segment.Image == 0 {
				t.Errorf("segment %+v after %d images: %+v", segment, images, turn)
			}
			text = segment.Image == 0
		}
	}
	if images > len(s.Images) || s.Problem == nil && images < len(s.Images) {
		t.Errorf("%d places of %d images", images, len(s.Images))
	}
}
