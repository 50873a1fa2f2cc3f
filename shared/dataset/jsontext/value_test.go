package jsontext

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzText checks that strings, and the values of lists and objects, equal those of encoding/json.
func FuzzText(f *testing.F) {
	for _, value := range []string{
		`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9 \u00E9 é"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83d\u0041"`,
		`"\ude00\ud83d x"`,
		`"\ud83d\ud83d\ude00"`, `"\\u0041"`, `"\ud83d\\u0041"`, "\"\xff\xfe \xed\xa0\x80\"",
		"\"\xff\\n\"", `[1, "a,]", [2], {"b": [3]}]`,
		`{"a": "}", "b": {"c": "\""}, "a": null}`, `[ ]`, `[-1.5e3,true,null]`, "{\"\xc2\": 1}",
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if !json.Valid(value) {
			t.Skip()
		}
		var raw json.RawMessage
		if err := json.Unmarshal(value, &raw); err != nil {
			t.Skip() // too deep
		}
		switch TypeOf(raw) {
		case None, Bool, Number: // these values contain no other values
		case String:
			var want string
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if got := Text(raw); got != want {
				t.Errorf("%s is %q, want %q", raw, got, want)
			}
		case Array:
			var want []json.RawMessage
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if got := Items(raw); !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s holds %q, want %q", raw, got, want)
			}
		case Object:
			var want map[string]json.RawMessage
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			for key, value := range want {
				if got := Members(Items(raw)).Get(key); !slices.Equal(got, value) {
					t.Errorf("%s has %q for %q, want %q", raw, got, key, value)
				}
			}
		}
	})
}

func TestTwice(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 1}]}`: "", `[1, "a", null]`: "", `7`: "",
		`{"a": 1, "\u0061": 2}`: "a", `{"b": [{"c": {"d": 1, "e": 2, "d": 3}}]}`: "d",
	} {
		if got := Twice([]byte(text)); got != want {
			t.Errorf("%s has %q twice, want %q", text, got, want)
		}
	}
}
