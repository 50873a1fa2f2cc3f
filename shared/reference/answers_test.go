package reference

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestParsePlain(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{ // maps a line to true if it has exactly the form of the reference
		`{"idx": 0, "pred_response": "4"}`:                                       true,
		`{"idx":123,"pred_response":"yes/no, comparison"}`:                       true,
		`{"idx": 999999999999999999, "pred_response": ""}`:                       true,
		`{"idx": "s7", "pred_response": "4"}`:                                    true,
		`{"idx":"","pred_response":"4"}`:                                         true,
		`{"idx": "s\u0037", "pred_response": "4"}`:                               false,
		`{"idx": "é", "pred_response": "4"}`:                                     false,
		`{"idx": "s7, "pred_response": "4"}`:                                     false,
		`{"idx": "s7`:                                                            false,
		`{"idx": "` + strings.Repeat("x", maxIdx+1) + `", "pred_response": "4"}`: false,
		`{"idx": 9999999999999999999, "pred_response": "4"}`:                     false,
		`{"idx": 007, "pred_response": "4"}`:                                     false,
		`{"idx": -7, "pred_response": "4"}`:                                      false,
		`{"idx": 7.0, "pred_response": "4"}`:                                     false,
		`{"idx": , "pred_response": "4"}`:                                        false,
		`{"idx": 7, "pred_response": 4}`:                                         false,
		`{"idx": 7, "pred_response": "\u0034"}`:                                  false,
		`{"idx": 7, "pred_response": "4\"}`:                                      false,
		`{"idx": 7, "pred_response": "٣"}`:                                       false,
		`{"idx": 7, "pred_response": "4", "model": "x"}`:                         false,
		`{"idx": 7, "pred_response": "4", "pred_response": "5"}`:                 false,
		`{"idx": 7, "pred_response": "4"} `:                                      false,
		`{"pred_response": "4", "idx": 7}`:                                       false,
		"{\"idx\": 7, \"pred_response\": \"4\t\"}":                               false,
		`{"idx": 7`: false, `{"idx":`: false, `{"idx": 7, "pred_response": "`: false, ``: false,
	}
	for line, want := range tests {
		if _, got := parsePlain([]byte(line)); got != want {
			t.Errorf("parsePlain(%s) = %t, want %t", line, got, want)
		}
	}
}

// FuzzParseAnswer compares parseAnswer with encoding/json.
func FuzzParseAnswer(f *testing.F) {
	for _, line := range []string{
		`{"idx": 12, "pred_response": "4"}`, `{"idx":0,"pred_response":"a, b"}`,
		`{"idx": 1, "pred_response": "\u0663"}`,
		`{"idx": 01, "pred_response": "4"}`, `{"idx": 1, "pred_response": "\"}`, `{"idx": 1, "pred_response": null}`,
		`{"idx": 1, "pred_response": "a"b"}`, `{"idx": 123456789012345678901, "pred_response": "4"}`,
		`{"idx": 1, "pred_response": "4", "pred_response": "5"}`, `{"IDX": 1}`, `[]`,
		`{"idx": "s7", "pred_response": "4"}`, `{"idx": "", "pred_response": "4"}`,
		`{"idx": "a"b", "pred_response": "4"}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, err := parseAnswer(line)
		var want struct {
			Idx    json.RawMessage
			Answer any `json:"pred_response"`
		}
		if err == nil && !json.Valid(line) {
			t.Fatalf("%q is accepted, but is not JSON", line)
		}
		if a.text == nil {
			if err == nil && len(a.value) > 0 {
				if _, err := rating(a.value); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
			}
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		id, err := parseIdx(want.Idx)
		if err != nil || id != a.idx || want.Answer != string(a.text) {
			t.Fatalf("%q gives idx %s and %q, want %s and %q", line, a.idx, a.text, want.Idx, want.Answer)
		}
		slow, err := rating(json.RawMessage(`"` + string(a.text) + `"`))
		if fast := integer(a.text); err != nil || fast != slow {
			t.Fatalf("%q gives the rating %d, want %d, %v", line, fast, slow, err)
		}
	})
}
