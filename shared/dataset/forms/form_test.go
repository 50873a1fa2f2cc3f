package forms

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/markdown"
)

var update = flag.Bool("update", false, "update README.md")

func TestPage(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for _, name := range Names() {
		fmt.Fprintf(&list, "- [%s](forms/README.md#%s)\n", name, markdown.Anchor(name))
	}
	markdown.CheckGenerated(t, "../README.md", "forms", list.String(), *update)
	if *update {
		if err := os.WriteFile("README.md", []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Page(), string(page)); diff != "" {
		t.Errorf("README.md is out of date; run the test with -update (-want +got):\n%s", diff)
	}
}

// The example that the page shows for a form is valid. It is recognised as that form, and --format with the form's name
// reads it.
func TestShapes(t *testing.T) {
	t.Parallel()
	for _, form := range Table() {
		t.Run(form.Name, func(t *testing.T) {
			t.Parallel()
			parse, err := Reading{Form: strings.ToUpper(form.Name)}.Parser()
			if err != nil {
				t.Fatal(err)
			}
			for how, s := range map[string]*dataset.Sample{
				"recognised": Parse([]byte(form.Shape), demo), "under its name": parse([]byte(form.Shape), demo),
			} {
				if s.Form != form.Name || s.Problem != nil {
					t.Errorf("%s: read as %q: %v", how, s.Form, s.Problem)
				}
				if texts := strings.Join(s.Texts(), "|"); !strings.HasSuffix(texts, "Why?|So.") {
					t.Errorf("%s: the turns are %q", how, texts)
				}
			}
		})
	}
}

func TestUnknownForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"llavaa": `"llavaa" is not a form of records; did you mean "LLaVA"? The forms are: `,
		"pairs":  `"pairs" is not a form of records; did you mean "conversation pairs"? The forms are: `,
		"CSV":    `"CSV" is not a form of records. The forms are: `,
	} {
		if _, err := (Reading{Form: name}).Parser(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("form %q: %v, want %s", name, err, want)
		}
	}
}

func TestCountsString(t *testing.T) {
	t.Parallel()
	for want, counts := range map[string]Counts{
		"LLaVA":                          {"LLaVA": 3},
		"ms-swift":                       {"ms-swift": 3, "OpenAI messages": 2},
		"LLaVA (3), not recognised (1)":  {"LLaVA": 3, "": 1},
		"OpenAI messages":                {"OpenAI messages": 2},
		"LLaVA (2), OpenAI messages (2)": {"LLaVA": 2, "OpenAI messages": 2},
		"OpenAI messages (9), OpenAI messages with image parts (1), ms-swift (1)": {
			"ms-swift": 1, "OpenAI messages": 9, "OpenAI messages with image parts": 1,
		},
	} {
		if got := counts.String(); got != want {
			t.Errorf("%v: %q, want %q", map[string]int64(counts), got, want)
		}
	}
}

func TestMixedTypes(t *testing.T) {
	t.Parallel()
	var types Types
	for _, raw := range []string{
		`{"id": 1, "image": "a", "messages": [{"content": "x"}, {"content": [{}]}], "extra": null}`,
		`{"id": "1", "image": ["a"], "messages": [{"content": "x"}], "extra": 2.5}`,
		`{"id": broken`, `[]`, ``,
	} {
		types.Add([]byte(raw))
	}
	want := []string{
		"id is a number (1) and a string (1)", "image is a string (1) and a list (1)",
		"messages[].content is a string (2) and a list (1)",
	}
	if diff := cmp.Diff(want, types.Mixed()); diff != "" {
		t.Errorf("mixed types (-want +got):\n%s", diff)
	}
}

func TestViewOf(t *testing.T) {
	t.Parallel()
	s := Parse([]byte(`{"image": ["x/a.png", "data:;base64,aGk="], "relevance_ratings": [5], "relevance_min": 5, `+
		asked("<image>or<image> "+strings.Repeat("é", 100))+`}`), demo)
	want := View{
		Place: demo, Form: "LLaVA", ID: "demo.json#7", Source: "x",
		Turns: []TurnView{
			{dataset.Human, "[image 1]or[image 2] " + strings.Repeat("é", 69) + "…"}, {dataset.Model, "So."},
		},
		Images: []string{"x/a.png", "2 bytes in the record"},
		Kept:   map[string]string{"relevance_ratings": "[5]", "relevance_min": "5"},
	}
	if diff := cmp.Diff(want, ViewOf(s)); diff != "" {
		t.Errorf("view (-want +got):\n%s", diff)
	}
}
