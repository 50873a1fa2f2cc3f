package reference

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dumped maps JSON values to the texts that Python writes for them.
var dumped = map[string]string{
	`[]`: `[]`, ` [ ] `: `[]`, `{ }`: `{}`, `[[],{}]`: "[\n  [],\n  {}\n]",
	`[1,[2,3]]`: "[\n  1,\n  [\n    2,\n    3\n  ]\n]",
	`{"a":{"b":null},"c":[true,false]}`: "{\n  \"a\": {\n    \"b\": null\n  },\n" +
		"  \"c\": [\n    true,\n    false\n  ]\n}",

	`0`: `0`, `-0`: `0`, `-7`: `-7`, `123456789012345678901234567890`: `123456789012345678901234567890`,
	`1.0`: `1.0`, `1.50`: `1.5`, `-0.0`: `-0.0`, `1e2`: `100.0`, `1E+2`: `100.0`, `0e5`: `0.0`,
	`1e15`: `1000000000000000.0`, `1e16`: `1e+16`,
	`9999999999999998.0`: `9999999999999998.0`, `123456789.123456789`: `123456789.12345679`,
	`0.0001`: `0.0001`, `0.00001`: `1e-05`, `1.5e-7`: `1.5e-07`, `5e-324`: `5e-324`, `1e-999`: `0.0`,
	`1.7976931348623157e308`: `1.7976931348623157e+308`,
	`1e999`:                  `Infinity`, `-1e999`: `-Infinity`,
	`[NaN,Infinity,-Infinity]`: "[\n  NaN,\n  Infinity,\n  -Infinity\n]",

	`"a/b\/c"`: `"a/b/c"`, `"\"\\\b\f\n\r\t"`: `"\"\\\b\f\n\r\t"`,
	`"\u0000\u001F\u0022\u005c\u000a"`: `"\u0000\u001f\"\\\n"`,
	`"é\u00e9\u2028\u007f<>&"`:         "\"éé\u2028\u007f<>&\"", `"\ud83d\ude00"`: `"😀"`, `"\u0041\u4E2d"`: `"A中"`,

	`{"a":1,"b":2,"a":3}`:                              "{\n  \"a\": 3,\n  \"b\": 2\n}",
	`{"a":1,"a":[1,2],"b":{"c":1,"c":2},"\u0061":""}`:  "{\n  \"a\": \"\",\n  \"b\": {\n    \"c\": 2\n  }\n}",
	`{"a":[1,2,3],"b":2,"c":3,"a":0,"c":"long","b":4}`: "{\n  \"a\": 0,\n  \"b\": 4,\n  \"c\": \"long\"\n}",
}

func dump(text string) (string, error) {
	p := python{src: []byte(text)}
	err := p.value(0)
	return string(p.out), err
}

func TestDump(t *testing.T) {
	t.Parallel()
	got := make(map[string]string)
	for text := range dumped {
		var err error
		if got[text], err = dump(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if diff := cmp.Diff(dumped, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestDumpBeyondPython converts values that Python cannot read or write.
func TestDumpBeyondPython(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`"\ud83d"`:         `"\ud83d"`,
		`"\uDE00\uD83D x"`: `"\ude00\ud83d x"`,
		`"\ud83d\u0041"`:   `"\ud83dA"`,
		`"\ud83d\n"`:       `"\ud83d\n"`,
		"\"a\tb\nc\x01\"":  `"a\tb\nc\u0001"`,
	}
	for text, want := range tests {
		if got, err := dump(text); err != nil || got != want {
			t.Errorf("%s gives %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestDumpErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `{`, `[`, `[1`, `[1,`, `[1,]`, `[1 2]`, `{"a"`, `{"a"}`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`,
		`{"a":1 "b":2}`, `{a:1}`,
		`"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u+123"`, `01`, `1.`, `.5`, `+1`, `1e`, `tru`, `nan`, `[}`, `{]`,
		strings.Repeat("[", maxDepth+2),
	} {
		if got, err := dump(text); err == nil {
			t.Errorf("%.20s gives %.20s, want an error", text, got)
		}
	}
}

func TestDumpOfPython(t *testing.T) {
	t.Parallel()
	texts := make([]string, 0, len(dumped))
	for text := range dumped {
		texts = append(texts, text)
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter(t), "-c", `
import json, sys
texts = json.load(sys.stdin)
json.dump({text: json.dumps(json.loads(text), indent=2, ensure_ascii=False) for text in texts}, sys.stdout)`)
	cmd.Stdin = bytes.NewReader(input)
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(output, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, dumped); diff != "" {
		t.Errorf("values (-Python +table):\n%s", diff)
	}
}

// FuzzDump checks that valid JSON is converted to valid JSON with the same meaning, and that a second conversion
// changes nothing.
func FuzzDump(f *testing.F) {
	for text := range dumped {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := dump(text)
		if err != nil {
			if json.Valid([]byte(text)) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := dump(once); err != nil || again != once {
			t.Fatalf("%q gives %q, which gives %q, %v", text, once, again, err)
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal([]byte(once), &got) != nil {
			return // invalid JSON, or numbers that encoding/json cannot read
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q gives %q (-want +got):\n%s", text, once, diff)
		}
	})
}
