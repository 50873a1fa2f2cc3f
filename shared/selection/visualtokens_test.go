package selection

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestVisualTokensEqualTransformers compares the rules with the counts of transformers' processors. The first line of
// the table names the version; testdata/visualtokens.py made the table.
func TestVisualTokensEqualTransformers(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/visualtokens.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := csv.NewReader(file)
	table.Comment = '#'
	rows, err := table.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 500 {
		t.Fatalf("%d rows", len(rows))
	}
	rules := make([]VisualTokens, len(rows[0])-2)
	for i, name := range rows[0][2:] {
		if rules[i], err = ParseVisualTokens(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range rows[1:] {
		numbers := make([]int, len(row))
		for i, text := range row {
			if numbers[i], err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
		for i, rule := range rules {
			if got := rule.Of(numbers[0], numbers[1], 1); got != numbers[2+i] {
				t.Errorf("%v of %d x %d: %d, want %d", rule, numbers[0], numbers[1], got, numbers[2+i])
			}
		}
	}
}

func TestVisualTokens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule                  string
		width, height, images int
		want                  int
	}{
		{"730", 4000, 3000, 1, 730},
		{"1000", 4000, 3000, 1, 1000},
		{"0", 4000, 3000, 1, 0},
		{"onevision-anyres", 384, 384, 2, 730}, // with several images, each image has one view
		{"onevision-anyres", 0, 0, 1, 730},     // an image that was not read
		{"qwen2.5-vl", 0, 0, 1, 730},
		{"qwen2.5-vl", 280, 280, 2, 100},
		{"qwen2.5-vl", 1, 100_000_000, 1, 20000}, // the processor refuses such an image
	} {
		rule, err := ParseVisualTokens(test.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Of(test.width, test.height, test.images); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestParseVisualTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"730": "730", "0": "0", " 256 ": "256", "onevision-anyres": "onevision-anyres", "qwen2.5-vl": "qwen2.5-vl",
		"qwen2.5-vl:3136,12845056": "qwen2.5-vl", "qwen2.5-vl:3136, 1003520": "qwen2.5-vl:3136,1003520",
	} {
		v, err := ParseVisualTokens(text)
		if err != nil || v.String() != want {
			t.Errorf("%q: %v, %v", text, v, err)
		}
		for _, form := range []string{strconv.Quote(text), text} {
			if form == text && strings.ContainsAny(text, "qo ") {
				continue // no number
			}
			var read VisualTokens
			if err := json.Unmarshal([]byte(form), &read); err != nil || read != v {
				t.Errorf("JSON %s: %v, %v", form, read, err)
			}
		}
	}
	for _, text := range []string{
		"", "-1", "100001", "7.5", "qwen", "730:1,2", "onevision-anyres:1,2", "qwen2.5-vl:", "qwen2.5-vl:1",
		"qwen2.5-vl:5000,4000", "qwen2.5-vl:1,783", "qwen2.5-vl:0,4000", "qwen2.5-vl:1,99999999999",
	} {
		if v, err := ParseVisualTokens(text); err == nil || !strings.Contains(err.Error(), "give 730") {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}
