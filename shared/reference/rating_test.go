package reference

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// integers maps texts to the results of Python's int, limited to ±maxRating.
var integers = map[string]int8{
	"4": 4, "0": 0, "7": 7, " 4": 4, "4\n": 4, "\t\v\f\r 4 ": 4, "+3": 3, "-1": -1, "-0": 0, "004": 4,
	"1_0": 10, "1_2_3": 123, "12345": maxRating, "32768": maxRating, "-99999": -maxRating,
	"1" + strings.Repeat("0", 4299): maxRating,

	"٣": 3, "１２": 12, "-९": -9, "𝟗": 9, "𝟘": 0, "٣4": 34, "4\u00a0": 4, "\u3000\u2003٣\u0085": 3,

	"": missing, " ": missing, "+": missing, "-": missing, "+-1": missing, "+ 4": missing, "4.0": missing,
	"1__0": missing, "_1": missing, "1_": missing, "+_1": missing, "_": missing, "1 0": missing,
	"0x4": missing, "4e0": missing, "four": missing, "½": missing, "²": missing, "四": missing, "4\x00": missing,
	"\x1c4": missing, "4\x1f": missing, "\ufeff4": missing, "\u180e4": missing, "\u200b4": missing,
	"nan": missing, "None": missing, "True": missing,
	"1" + strings.Repeat("0", 4300): missing, "1" + strings.Repeat("_0", 4300): missing,
}

func TestInteger(t *testing.T) {
	t.Parallel()
	for text, want := range integers {
		if got := integer([]byte(text)); got != want {
			t.Errorf("integer(%.20q) = %d, want %d", text, got, want)
		}
	}
}

// TestIntegerOfPython compares with Python itself: the texts of the table, and every character that may be a digit or
// white space, before and after a digit. It omits characters that are newer than this version of Python.
func TestIntegerOfPython(t *testing.T) {
	t.Parallel()
	var texts []string
	for text := range integers {
		texts = append(texts, text)
	}
	for r := range unicode.MaxRune {
		if unicode.In(r, unicode.N, unicode.Z, unicode.Cc, unicode.Cf) {
			texts = append(texts, string(r)+"1", "1"+string(r))
		}
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter(t), "-c", fmt.Sprintf(`
import json, sys, unicodedata
def rating(text):
    if any(unicodedata.category(c) == "Cn" for c in text): return None
    try: return max(-%[1]d, min(int(text), %[1]d))
    except ValueError: return %[2]d
json.dump([rating(text) for text in json.load(sys.stdin)], sys.stdout)`, maxRating, missing))
	cmd.Stdin = strings.NewReader(string(input))
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []*int8
	if err := json.Unmarshal(output, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if got := integer([]byte(text)); want[i] != nil && got != *want[i] {
			t.Errorf("integer(%+.20q) = %d, Python says %d", text, got, *want[i])
		}
	}
}

func TestRating(t *testing.T) {
	t.Parallel()
	tests := map[string]int8{
		`"4"`: 4, `" 4"`: 4, `"4.0"`: missing, `"\u0034"`: 4, `"\u0663"`: 3, `"\ud83d"`: missing,
		`4`: 4, `-1`: -1, `4.0`: 4, `4.9`: 4, `-0.9`: 0, `-1.9`: -1, `4e0`: 4, `0.4e1`: 4,
		`123456`: maxRating, `-123456`: -maxRating, `1` + strings.Repeat("0", 400): maxRating,
		`1e999`: missing, `-1e999`: missing,
		`true`: 1, `false`: 0, `null`: missing, `[]`: missing, `[4]`: missing, `{}`: missing, ``: missing,
	}
	got := make(map[string]int8)
	for value := range tests {
		var err error
		if got[value], err = rating(json.RawMessage(value)); err != nil {
			t.Errorf("rating(%s): %v", value, err)
		}
	}
	if diff := cmp.Diff(tests, got); diff != "" {
		t.Errorf("ratings (-want +got):\n%s", diff)
	}
}
