package dataset

import (
	"bytes"
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

// raws are the records of a manifest when it is read as one range.
func raws(tb testing.TB, manifest string, rangeBytes int64) []string {
	tb.Helper()
	var list []string
	for _, s := range readAll(tb, []byte(manifest), rangeBytes, Options{}) {
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
		"white space and BOM":     {bom + "\n [ \r\n {\"a\": 1}\t,\n\n{ } ]\n ", Array, []string{`{"a": 1}`, `{ }`}},
		"brackets in strings":     {`[{"a":"]}[{,"},{"b":"}]"}]`, Array, []string{`{"a":"]}[{,"}`, `{"b":"}]"}`}},
		"escapes":                 {`[{"a":"\\"},{"a":"\"}"},{"a":"\\\"]"},{"a\"":"\n"}]`, Array, []string{`{"a":"\\"}`, `{"a":"\"}"}`, `{"a":"\\\"]"}`, `{"a\"":"\n"}`}},
		"nested":                  {`[{"a":[[{"b":[]}],{}]},[[]]]`, Array, []string{`{"a":[[{"b":[]}],{}]}`, `[[]]`}},
		"scalars":                 {`[1,"a,]", null ,-2.5e3,nonsense]`, Array, []string{`1`, `"a,]"`, `null`, `-2.5e3`, `nonsense`}},
		"balanced but broken":     {`[{"a" 1 oops},{"b":2}]`, Array, []string{`{"a" 1 oops}`, `{"b":2}`}},
		"nested beyond parsing":   {"[" + strings.Repeat("[{", 10_000) + strings.Repeat("}]", 10_000) + ",{}]", Array, []string{strings.Repeat("[{", 10_000) + strings.Repeat("}]", 10_000), "{}"}},
		"lines":                   {"{\"a\":1}\n{\"b\":2}\n", Lines, []string{`{"a":1}`, `{"b":2}`}},
		"no final line break":     {"{\"a\":1}\n{\"b\":2}", Lines, []string{`{"a":1}`, `{"b":2}`}},
		"CRLF and blank lines":    {bom + "\r\n{\"a\":1}\r\n \t\r\n  {\"b\":2} \r\n\r\n", Lines, []string{`{"a":1}`, `{"b":2}`}},
		"broken lines":            {"{\"a\n\"x\"\n{\"b\":2}\n]", Lines, []string{`{"a`, `"x"`, `{"b":2}`, `]`}},
		"first object on line 100": {strings.Repeat("oops\n", 99) + "{}", Lines,
			append(strings.Split(strings.Repeat("oops ", 99), " ")[:99], "{}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// One byte at a time puts the end of a window everywhere.
			layout, err := Split(iotest.OneByteReader(strings.NewReader(tc.manifest)), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if layout.Format != tc.format || layout.Size != int64(len(tc.manifest)) || layout.Records != int64(len(tc.want)) {
				t.Errorf("Split found %s, %d bytes, %d records; want %s, %d, %d",
					layout.Format, layout.Size, layout.Records, tc.format, len(tc.manifest), len(tc.want))
			}
			if diff := cmp.Diff(tc.want, raws(t, tc.manifest, 1<<20)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
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

// Whatever the size of a range, the samples are the same, with their places.
func TestSplitAtEverySize(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"array": bom + "[\n{\"id\":\"a\"} , {\"id\":\"b\\\"]\"},\n\n[1, {}],7,\"x\\\\\"\n,\n{\"id\":\"c\",\"image\":\"d/e.png\"}\n]\n",
		"lines": "{\"id\":\"a\"}\r\n\n  {\"id\":\"b\\\"]\"}\n[1, {}]\n7\n\"x\\\\\"\n\r\n{\"id\":\"c\",\"image\":\"d/e.png\"}",
	} {
		want := readAll(t, []byte(manifest), 1<<20, Options{})
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
			if diff := cmp.Diff(want, readAll(t, []byte(manifest), size, Options{})); diff != "" {
				t.Errorf("%s: ranges of %d bytes (-want +got):\n%s", name, size, diff)
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		manifest string
		want     FormatError // Detail: a part of it
	}{
		"empty file":            {"", FormatError{0, 1, 0, "the file is empty"}},
		"white space only":      {bom + " \n\n", FormatError{6, 3, 0, "the file is empty"}},
		"array never closed":    {"[\n{},\n{}\n", FormatError{9, 4, 2, "ends before the array's closing"}},
		"ends after a comma":    {"[{},", FormatError{4, 1, 1, "ends before the array's closing"}},
		"bracket only":          {"[", FormatError{1, 1, 0, "ends before the array's closing"}},
		"element never closed":  {"[{},\n{\"a\":[1,2}", FormatError{14, 2, 2, `found "}", which does not close`}},
		"element cut short":     {"[{},\n {\"a\":[1,2", FormatError{6, 2, 2, "the element that begins here is never closed"}},
		"string never closed":   {"[{},\n {\"a\":\"\\\"}]", FormatError{6, 2, 2, "the element that begins here is never closed"}},
		"mismatched brackets":   {`[{"a":[}]}]`, FormatError{7, 1, 1, `found "}]}]", which does not close`}},
		"comma missing":         {"[{}\n{}]", FormatError{4, 2, 1, `found "{}]" where "," or "]" is expected`}},
		"garbage between":       {`[{} oops, {}]`, FormatError{4, 1, 1, `found "oops, {}]" where "," or "]" is expected`}},
		"comma doubled":         {`[{},,{}]`, FormatError{4, 1, 2, `found ",{}]" where a record is expected`}},
		"comma first":           {`[,{}]`, FormatError{1, 1, 1, `found ",{}]" where a record is expected`}},
		"trailing comma":        {"[{},\n]", FormatError{5, 2, 1, `found "]" where a record after the comma is expected`}},
		"closed by a brace":     {`[{}}`, FormatError{3, 1, 1, `found "}" where "," or "]" is expected`}},
		"text after the end":    {"[{}]\n[{}]", FormatError{5, 2, 1, `found "[{}]" after the array's closing`}},
		"not JSON":              {"id,image\n1,a.png\n", FormatError{0, 1, 0, "not JSON: none of its first 2 lines"}},
		"not JSON for long":     {strings.Repeat("oops\n", 100) + "{}", FormatError{0, 1, 0, "not JSON: none of its first 100 lines"}},
		"lines of scalars":      {"\n1\n\"a\"\n", FormatError{1, 2, 0, "not JSON: none of its first 2 lines"}},
		"pretty-printed object": {"{\n \"data\": [\n  {}\n ]\n}\n", FormatError{0, 1, 0, "a JSON object that is written over several lines"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Split(strings.NewReader(tc.manifest), 1<<20)
			var got *FormatError
			if !errors.As(err, &got) {
				t.Fatalf("Split: %v, want a FormatError", err)
			}
			if !strings.Contains(got.Detail, tc.want.Detail) || !strings.Contains(got.Detail, "JSONL") {
				t.Errorf("Detail is %q, want %q and a fix", got.Detail, tc.want.Detail)
			}
			tc.want.Detail = got.Detail
			if diff := cmp.Diff(tc.want, *got); diff != "" {
				t.Errorf("FormatError (-want +got):\n%s", diff)
			}
			if place := fmt.Sprintf("byte %d (line %d", tc.want.Offset, tc.want.Line); !strings.HasPrefix(err.Error(), place) {
				t.Errorf("the error %q does not begin with its place %q", err, place)
			}
		})
	}
}

// Plans are stored, so the names of a layout's fields are fixed.
func TestLayoutAsJSON(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]string{
		"[]":     `{"format":"json","size":2,"records":0,"ranges":[]}`,
		"\n{}\n": `{"format":"jsonl","size":4,"records":1,"ranges":[{"start":1,"end":3,"records":1,"first_element":1,"first_line":2}]}`,
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

// Records of any content stay apart, and each is a part of the manifest.
func FuzzSplitAndRead(f *testing.F) {
	for _, manifest := range []string{
		`[{"id":1},{"id":"b\\\""},[],7]`, "[ ]", "{\"a\":1}\r\n\n{\"a\"\n x", bom + "[{},\n\"]\"]", "[[{]", "[{},]", "{\n}",
	} {
		f.Add([]byte(manifest), uint8(3))
	}
	f.Fuzz(func(t *testing.T, manifest []byte, size uint8) {
		layout, err := Split(bytes.NewReader(manifest), 1<<20)
		var format *FormatError
		if err != nil {
			if !errors.As(err, &format) || format.Offset < 0 || format.Offset > int64(len(manifest)) {
				t.Fatalf("Split: %#v", err)
			}
			return
		}
		opts := Options{DuplicateIDs: KeepDuplicates, Limits: Limits{MaxRecordBytes: 1 << 10}}
		whole := readAll(t, manifest, 1<<20, opts)
		if int64(len(whole)) != layout.Records {
			t.Errorf("%d samples, but Split counted %d", len(whole), layout.Records)
		}
		rest := manifest
		for _, s := range whole {
			if len(s.Raw) == 0 && (s.Problem == nil || s.Problem.Kind != RecordTooLarge) {
				t.Errorf("%v has no raw record", s.Place)
			}
			_, after, found := bytes.Cut(rest, s.Raw)
			if !found {
				t.Fatalf("%v: %q does not stand in the manifest after the record before", s.Place, s.Raw)
			}
			rest = after
		}
		parts := readAll(t, manifest, int64(size)+1, opts)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Errorf("in ranges of %d bytes (-whole +parts):\n%s", int(size)+1, diff)
		}
	})
}
