package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const bom = "\ufeff"

// raws returns the records of a manifest.
func raws(tb testing.TB, manifest string, rangeBytes int64) []string {
	tb.Helper()
	var list []string
	for _, s := range readAll(tb, []byte(manifest), rangeBytes, Limits{}) {
		list = append(list, string(s.Raw))
	}
	return list
}

func TestSplitFindsRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		manifest string
		format   Format
		want     []string
	}{
		"array":                   {`[{"a":1},{"b":2}]`, Array, []string{`{"a":1}`, `{"b":2}`}},
		"empty array":             {"[]", Array, nil},
		"empty array with spaces": {bom + " \r\n[ \t\n ] \n", Array, nil},
		"empty list of a key":     {`{"data": []}`, Array, nil},
		"empty list on lines":     {"{\n \"version\": 1,\n \"records\": [\n ]\n}\n", Array, nil},
		"empty lists of two keys": {`{"data": [], "images": []}`, Array, nil},
		"a record's empty list":   {`{"id": "a", "tags": []}`, Lines, []string{`{"id": "a", "tags": []}`}},
		"no turns":                {`{"conversations": []}`, Lines, []string{`{"conversations": []}`}},
		"one pair":                {`{"prompt":[{}],"completion":0}`, Lines, []string{`{"prompt":[{}],"completion":0}`}},
		"lines of empty lists":    {"{\"a\": []}\n{\"a\": []}", Lines, []string{`{"a": []}`, `{"a": []}`}},
		"white space and BOM":     {bom + "\n [ \r\n {\"a\": 1}\t,\n\n{ } ]\n ", Array, []string{`{"a": 1}`, `{ }`}},
		"brackets in strings":     {`[{"a":"]}[{,"},{"b":"}]"}]`, Array, []string{`{"a":"]}[{,"}`, `{"b":"}]"}`}},
		"escapes": {
			`[{"a":"\\"},{"a":"\"}"},{"a":"\\\"]"},{"a\"":"\n"}]`, Array,
			[]string{`{"a":"\\"}`, `{"a":"\"}"}`, `{"a":"\\\"]"}`, `{"a\"":"\n"}`},
		},
		"nested": {`[{"a":[[{"b":[]}],{}]},[[]]]`, Array, []string{`{"a":[[{"b":[]}],{}]}`, `[[]]`}},
		"scalars": {
			`[1,"a,]", null ,-2.5e3,nonsense]`, Array, []string{`1`, `"a,]"`, `null`, `-2.5e3`, `nonsense`},
		},
		"closed but invalid": {`[{"a" 1 oops},{"b":2}]`, Array, []string{`{"a" 1 oops}`, `{"b":2}`}},
		"nested too deeply": {
			"[" + strings.Repeat("[{", 10_000) + strings.Repeat("}]", 10_000) + ",{}]", Array,
			[]string{strings.Repeat("[{", 10_000) + strings.Repeat("}]", 10_000), "{}"},
		},
		"lines":               {"{\"a\":1}\n{\"b\":2}\n", Lines, []string{`{"a":1}`, `{"b":2}`}},
		"no final line break": {"{\"a\":1}\n{\"b\":2}", Lines, []string{`{"a":1}`, `{"b":2}`}},
		"CRLF and blank lines": {
			bom + "\r\n{\"a\":1}\r\n \t\r\n  {\"b\":2} \r\n\r\n", Lines, []string{`{"a":1}`, `{"b":2}`},
		},
		"broken lines": {"{\"a\n\"x\"\n{\"b\":2}\n]", Lines, []string{`{"a`, `"x"`, `{"b":2}`, `]`}},
		"first object on line 100": {strings.Repeat("oops\n", 99) + "{}", Lines,
			append(strings.Split(strings.Repeat("oops ", 99), " ")[:99], "{}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// With one byte at a time, a window ends at every place.
			layout, err := Split(iotest.OneByteReader(strings.NewReader(tc.manifest)), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if layout.Format != tc.format || layout.Size != int64(len(tc.manifest)) ||
				layout.Records != int64(len(tc.want)) {
				t.Errorf("Split found %s, %d bytes, %d records; want %s, %d, %d",
					layout.Format, layout.Size, layout.Records, tc.format, len(tc.manifest), len(tc.want))
			}
			if diff := cmp.Diff(tc.want, raws(t, tc.manifest, 1<<20)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplitPreference reads one preference record alone in a file as a record, although it has lists of objects.
func TestSplitPreference(t *testing.T) {
	t.Parallel()
	for _, manifest := range []string{
		`{"prompt":[{}],"chosen":[{}],"rejected":[{}]}`, `{"chosen":[{},{}],"rejected":[{}]}`,
		"{\"chosen\":[{},\n{}],\n\"rejected\":[{}]}",
	} {
		if diff := cmp.Diff([]string{manifest}, raws(t, manifest, 1<<20)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{`{"a":1}`}, raws(t, `{"chosen":[{"a":1}]}`, 1<<20)); diff != "" {
		t.Errorf("a list of records (-want +got):\n%s", diff)
	}
}

func TestSplitFixesSpans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		manifest   string
		rangeBytes int64
		want       []Span
	}{
		"records that fit": {"[\n {},\n {},\n {} ]", 7, []Span{
			{Start: 3, End: 10, Records: 2, FirstElement: 1, FirstLine: 2},
			{Start: 13, End: 15, Records: 1, FirstElement: 3, FirstLine: 4},
		}},
		"records larger than a range": {`[{"a":1},{},{"b":2}]`, 3, []Span{
			{Start: 1, End: 8, Records: 1, FirstElement: 1, FirstLine: 1},
			{Start: 9, End: 11, Records: 1, FirstElement: 2, FirstLine: 1},
			{Start: 12, End: 19, Records: 1, FirstElement: 3, FirstLine: 1},
		}},
		"lines": {bom + "\n{}\r\n\n{}\n{}\n", 8, []Span{
			{Start: 4, End: 11, Records: 2, FirstElement: 1, FirstLine: 2},
			{Start: 12, End: 14, Records: 1, FirstElement: 3, FirstLine: 5},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layout, err := Split(strings.NewReader(tc.manifest), tc.rangeBytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, layout.Ranges); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
		})
	}
}

// The samples and their places do not depend on the size of ranges.
func TestSplitAtEverySize(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"array": bom + "[\n{\"id\":\"a\"} , {\"id\":\"b\\\"]\"},\n\n" +
			"[1, {}],7,\"x\\\\\"\n,\n{\"id\":\"c\",\"image\":\"d/e.png\"}\n]\n",
		"lines": "{\"id\":\"a\"}\r\n\n  {\"id\":\"b\\\"]\"}\n[1, {}]\n7\n\"x\\\\\"\n\r\n{\"id\":\"c\",\"image\":\"d/e.png\"}",
	} {
		want := readAll(t, []byte(manifest), 1<<20, Limits{})
		if len(want) != 6 {
			t.Fatalf("%s: %d samples, want 6", name, len(want))
		}
		for size := int64(1); size <= int64(len(manifest)); size++ {
			layout, err := Split(strings.NewReader(manifest), size)
			if err != nil {
				t.Fatal(err)
			}
			for _, span := range layout.Ranges {
				if span.Records > 1 && span.End-span.Start > size {
					t.Errorf("%s: ranges of %d bytes: %+v is larger", name, size, span)
				}
			}
			if diff := cmp.Diff(want, readAll(t, []byte(manifest), size, Limits{})); diff != "" {
				t.Errorf("%s: ranges of %d bytes (-want +got):\n%s", name, size, diff)
			}
		}
	}
}

// refusedManifests are manifests with their errors. Detail is a part of the error's Detail.
var refusedManifests = map[string]struct {
	manifest string
	want     FormatError
}{
	"empty file": {"", FormatError{Offset: 0, Line: 1, Element: 0, Detail: "the file is empty"}},
	"white space only": {
		bom + " \n\n",
		FormatError{Offset: 6, Line: 3, Element: 0, Detail: "the file has only white space"},
	},
	"array never closed": {
		"[\n{},\n{}\n",
		FormatError{Offset: 9, Line: 4, Element: 2, Detail: "ends before the array's closing"},
	},
	"ends after a comma": {
		"[{},",
		FormatError{Offset: 4, Line: 1, Element: 1, Detail: "ends before the array's closing"},
	},
	"bracket only": {
		"[",
		FormatError{Offset: 1, Line: 1, Element: 0, Detail: "ends before the array's closing"},
	},
	"element never closed": {
		"[{},\n{\"a\":[1,2}",
		FormatError{Offset: 14, Line: 2, Element: 2, Detail: `found "}", which does not close`},
	},
	"element cut short": {
		"[{},\n {\"a\":[1,2",
		FormatError{Offset: 6, Line: 2, Element: 2, Detail: "the element that begins here is never closed"},
	},
	"string never closed": {
		"[{},\n {\"a\":\"\\\"}]",
		FormatError{Offset: 6, Line: 2, Element: 2, Detail: "the element that begins here is never closed"},
	},
	"mismatched brackets": {
		`[{"a":[}]}]`,
		FormatError{Offset: 7, Line: 1, Element: 1, Detail: `found "}]}]", which does not close`},
	},
	"comma missing": {
		"[{}\n{}]",
		FormatError{Offset: 4, Line: 2, Element: 1, Detail: `found "{}]" where "," or "]" is expected`},
	},
	"comment first": {
		"[\n  // the first record is long\n{}]",
		FormatError{Offset: 4, Line: 2, Element: 1,
			Detail: `found "// the first record is long" where a record is expected; JSON has no comments: remove them`},
	},
	"comment after": {
		"[{}, /* two */ {}]",
		FormatError{Offset: 5, Line: 1, Element: 2,
			Detail: `found "/* two */ {}]" where a record is expected; JSON has no comments: remove them`},
	},
	"comment before the comma": {
		"[{} // one\r\n, {}]",
		FormatError{Offset: 4, Line: 1, Element: 1,
			Detail: `found "// one" where "," or "]" is expected; JSON has no comments: remove them`},
	},
	"garbage between": {
		`[{} oops, {}]`,
		FormatError{Offset: 4, Line: 1, Element: 1, Detail: `found "oops, {}]" where "," or "]" is expected`},
	},
	"comma doubled": {
		`[{},,{}]`,
		FormatError{Offset: 4, Line: 1, Element: 2, Detail: `found ",{}]" where a record is expected`},
	},
	"comma first": {
		`[,{}]`,
		FormatError{Offset: 1, Line: 1, Element: 1, Detail: `found ",{}]" where a record is expected`},
	},
	"trailing comma": {
		"[{},\n]",
		FormatError{Offset: 5, Line: 2, Element: 1, Detail: `found "]" where a record after the comma is expected`},
	},
	"closed by a brace": {
		`[{}}`,
		FormatError{Offset: 3, Line: 1, Element: 1, Detail: `found "}" where "," or "]" is expected`},
	},
	"text after the end": {
		"[{}]\n[{}]",
		FormatError{Offset: 5, Line: 2, Element: 1, Detail: `found "[{}]" after the array's closing`},
	},
	"not JSON": {
		"id,image\n1,a.png\n",
		FormatError{Offset: 0, Line: 1, Element: 0, Detail: "not JSON: none of its first 2 lines"},
	},
	"much text, not JSON": {
		strings.Repeat("oops\n", 100) + "{}",
		FormatError{Offset: 0, Line: 1, Element: 0, Detail: "not JSON: none of its first 100 lines"},
	},
	"lines of scalars": {
		"\n1\n\"a\"\n",
		FormatError{Offset: 1, Line: 2, Element: 0, Detail: "not JSON: none of its first 2 lines"},
	},
	"text in braces": {
		"{\n oops\n}\n",
		FormatError{Offset: 0, Line: 1, Element: 0, Detail: "not JSON: none of its first 3 lines"},
	},
	"lists of two keys": {
		`{"train":[{}],"n":[1],"te\"st":[{},{}]}`,
		FormatError{Detail: `under "train", "te\"st", so it is not`},
	},
	"lists over lines": {
		"{\n \"images\": [{}],\n \"annotations\": [{}]\n}",
		FormatError{Detail: `under "images", "annotations", so it is not`},
	},
	"list cut short": {
		`{"data":[{},` + "\n",
		FormatError{Offset: 13, Line: 2, Element: 1, Detail: "ends before the array's closing"},
	},
	"element of a list cut": {
		`{"data":[{},{"a":"`,
		FormatError{Offset: 12, Line: 1, Element: 2, Detail: "the element that begins here is never closed"},
	},
	"comma in a list": {
		`{"n":1,"data":[{},{},]}`,
		FormatError{Offset: 21, Line: 1, Element: 2, Detail: "a record after the comma"},
	},
	"after the list": {
		"{\"data\":[\n{}], oops}",
		FormatError{Line: 1, Detail: `lines: byte 15 (line 2): found "oops}" where a key is expected`},
	},
	"text after the object": {
		"{\n\"data\":[{}]} oops",
		FormatError{Offset: 15, Line: 2, Element: 1, Detail: `found "oops" where an object is expected`},
	},
	"object never closed": {
		" {\"a\":\n[1,\n",
		FormatError{Offset: 1, Line: 1, Element: 0, Detail: "the object that begins here is never closed"},
	},
	"object on a line cut": {
		`{"id":1,"a":[`,
		FormatError{Offset: 0, Line: 1, Element: 0, Detail: "the object that begins here is never closed"},
	},
	"object after objects": {
		"{\n}\n{\n",
		FormatError{Offset: 4, Line: 3, Element: 2, Detail: "the element that begins here is never closed"},
	},
	"brackets of objects": {
		"{\n}\n{\n]}",
		FormatError{Offset: 6, Line: 4, Element: 2, Detail: "which does not close"},
	},
	"object broken": {
		"{\n  \"a\": 1,\n  oops\n",
		FormatError{Line: 1, Detail: `lines: byte 14 (line 3): found "oops\n" where a key is expected; a manifest`},
	},
	"in UTF-16": {
		in16(binary.LittleEndian, "[{},\n{}"),
		FormatError{Offset: 16, Line: 2, Element: 2, Detail: "ends before the array's closing"},
	},
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range refusedManifests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Split(strings.NewReader(tc.manifest), 1<<20)
			var got *FormatError
			if !errors.As(err, &got) {
				t.Fatalf("Split: %v, want a FormatError", err)
			}
			if !strings.Contains(got.Detail, tc.want.Detail) ||
				!strings.Contains(got.Detail, "JSONL") && got.Command == "" {
				t.Errorf("Detail is %q, want %q and a fix", got.Detail, tc.want.Detail)
			}
			tc.want.Detail, tc.want.Command = got.Detail, got.Command
			if diff := cmp.Diff(tc.want, *got); diff != "" {
				t.Errorf("FormatError (-want +got):\n%s", diff)
			}
			if tc.want.Line == 0 {
				return
			}
			if place := fmt.Sprintf("byte %d (line %d", tc.want.Offset, tc.want.Line); !strings.HasPrefix(
				err.Error(),
				place,
			) {
				t.Errorf("the error %q does not begin with its place %q", err, place)
			}
		})
	}
}

// Plans are stored, so the names of a layout's fields are fixed.
func TestLayoutAsJSON(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]string{
		"[]": `{"format":"json","size":2,"records":0,"ranges":[]}`,
		"\n{}\n": `{"format":"jsonl","size":4,"records":1,` +
			`"ranges":[{"start":1,"end":3,"records":1,"first_element":1,"first_line":2}]}`,
	} {
		layout, err := Split(strings.NewReader(manifest), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(layout)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("layout (-want +got):\n%s", diff)
		}
	}
}

func TestSplitFailsWithItsInput(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, head := range []string{"", " ", "[", `[{}`, `[{"a`, `[{},`, `[{}]`, "{}\n", "{}\n{", "x"} {
		_, err := Split(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), 1<<20)
		var format *FormatError
		if !errors.Is(err, broken) || errors.As(err, &format) {
			t.Errorf("after %q: %v, want the reader's error", head, err)
		}
	}
	if _, err := Split(strings.NewReader("[]"), 0); err == nil {
		t.Error("ranges of 0 bytes are accepted")
	}
}

// Each record is a part of the manifest, and no two records overlap. The records do not depend on the size of ranges.
func FuzzSplitAndRead(f *testing.F) {
	for _, manifest := range []string{
		`[{"id":1},{"id":"b\\\""},[],7]`, "[ ]", "{\"a\":1}\r\n\n{\"a\"\n x", bom + "[{},\n\"]\"]", "[[{]", "[{},]", "{\n}",
		bom + "{}\n" + bom + "{},\r{\"a\":NaN} , \r\r{", "{\r\"a\": 1\r},\r{}", `{"a":[{"b":[{}]},{}],"c":"]"}`,
		"{\n\"a\": [{\n}\n], \"b\": 1}\n{}", "{\"a\":[{},{}],\n\"b\":[{}]}", "{\"a\": \"[{\n{}", "{\"a\": [{]\n{}",
		in16(binary.LittleEndian, "{}\r\n{\"ä\":\"😀\"}"), in16(binary.BigEndian, "{\"a\":[{}\n,{}]}"),
		"{\x00}\x00\n\x00\x00\xd8\x00", "{}{} oops\n{}",
	} {
		f.Add([]byte(manifest), uint8(3), uint8(0))
		f.Add([]byte(manifest), uint8(200), uint8(20))
	}
	f.Fuzz(func(t *testing.T, manifest []byte, size, head uint8) {
		const readWhole = 1 << 20
		layout, err := split(bytes.NewReader(manifest), readWhole, 16+int(head))
		var format *FormatError
		if err != nil {
			if !errors.As(err, &format) || format.Offset < 0 || format.Offset > int64(len(manifest)) {
				t.Fatalf("Split: %#v", err)
			}
			return
		}
		limits := Limits{MaxRecordBytes: 1 << 10}
		whole := readLayout(t, manifest, layout, limits)
		if int64(len(whole)) != layout.Records {
			t.Errorf("%d samples, but Split counted %d", len(whole), layout.Records)
		}
		rest, err := io.ReadAll(layout.Encoding.reader(bytes.NewReader(manifest)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range whole {
			if len(s.Raw) == 0 && (s.Problem == nil || s.Problem.Code != RecordTooLarge) {
				t.Errorf("%v has no raw record", s.Place)
			}
			_, after, found := bytes.Cut(rest, s.Raw)
			if !found {
				t.Fatalf("%v: %q is not in the manifest after the previous record", s.Place, s.Raw)
			}
			rest = after
		}
		parts, err := split(iotest.OneByteReader(bytes.NewReader(manifest)), int64(size)+1, 16+int(head))
		if err != nil || parts.Framing != layout.Framing {
			t.Fatalf("one byte at a time: %+v, %v; want %+v", parts, err, layout.Framing)
		}
		if diff := cmp.Diff(whole, readLayout(t, manifest, parts, limits)); diff != "" {
			t.Errorf("in ranges of %d bytes (-whole +parts):\n%s", int(size)+1, diff)
		}
	})
}
