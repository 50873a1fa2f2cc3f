package rubric_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
)

// The hash is part of every run's identity: with another hash every dataset would be scored again.
const defaultHash = "e9d2cbd6f081"

func TestDefault(t *testing.T) {
	t.Parallel()
	got := rubric.Default()
	trim := "Question: "
	want := &rubric.Rubric{
		Name: "mmssr",
		Capabilities: []string{
			"object spatial understanding", "attribute identification", "logical deduction", "scene understanding",
			"fine-grained recognition", "language generation", "in-context learning", "comparative analysis",
			"activity recognition", "causal reasoning", "humanities", "stem knowledge", "data understanding",
			"optical character recognition",
		},
		Styles: []string{
			"multi-choice", "coordinate", "yes/no", "word/short-phrase", "short description", "detailed description",
			"comparison", "chain-of-thought (step-by-step)", "specified style",
		},
		Prompts: rubric.Prompts{
			Trim: &trim,
			Scorer: "On a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training a " +
				"Multimodal Large Language Model for {capability}?",
			Styler: "Interaction style candidates: [{styles}]\nStyles: ",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default rubric (-want +got):\n%s", diff)
	}
	if got.Hash() != defaultHash {
		t.Errorf("its hash is %s, want %s", got.Hash(), defaultHash)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	def := rubric.Default().Prompts
	trim := func(s string) *string { return &s }
	tests := map[string]struct {
		file string
		want rubric.Rubric
	}{
		"prompts left out": {
			"name: birds\ncapabilities: [bird song]\nstyles: [tweet]\n",
			rubric.Rubric{Name: "birds", Capabilities: []string{"bird song"}, Styles: []string{"tweet"}, Prompts: def},
		},
		"trim of null": {
			"name: birds\ncapabilities: [bird song]\nstyles: [tweet]\nprompts: {trim: null}\n",
			rubric.Rubric{Name: "birds", Capabilities: []string{"bird song"}, Styles: []string{"tweet"}, Prompts: def},
		},
		"all prompts given": {
			"name: birds\ncapabilities: [bird song]\nstyles: [tweet, trill]\nprompts:\n  trim: ''\n" +
				"  scorer: '{capability}: 0 to 5?'\n  styler: 'One of {styles}:'\n",
			rubric.Rubric{
				Name: "birds", Capabilities: []string{"bird song"}, Styles: []string{"tweet", "trill"},
				Prompts: rubric.Prompts{Trim: trim(""), Scorer: "{capability}: 0 to 5?", Styler: "One of {styles}:"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rubric.Parse([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("rubric (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file string
		want []string // all of them must be in the error
	}{
		"empty":         {"", []string{"the file is empty"}},
		"comments only": {"# nothing yet\n", []string{"the file is empty"}},
		"no YAML":       {"name: [", []string{"reading rubric", "line 1"}},
		"a list":        {"- name\n", []string{"line 1"}},
		"unknown field": {"name: birds\ncapability: [song]\n", []string{"line 2", "field capability not found"}},
		"everything missing": {
			"prompts: {scorer: 'How good?', styler: 'Which style?'}\n",
			[]string{
				"name: it is missing", "capabilities: the list is empty", "styles: the list is empty",
				"prompts.scorer: it must contain {capability} once", "prompts.styler: it must contain {styles} once",
			},
		},
		"mark twice": {
			"name: birds\ncapabilities: [song]\nstyles: [tweet]\nprompts: {scorer: '{capability} {capability}'}\n",
			[]string{"prompts.scorer: it must contain {capability} once"},
		},
		"comma in a style": {
			"name: birds\ncapabilities: ['song, flight']\nstyles: [tweet, 'trill, long']\n",
			[]string{`styles[1]: "trill, long" has a comma`},
		},
		"names": {
			"name: birds\ncapabilities: [song, ' flight', song, '']\nstyles: [\"two\\nlines\", tweet, tweet]\n",
			[]string{
				`capabilities[1]: " flight" must be one line without spaces around it`,
				`capabilities[2]: "song" is already capabilities[0]`,
				`capabilities[3]: ""`, `styles[0]: "two\nlines"`, `styles[2]: "tweet" is already styles[1]`,
			},
		},
		"image in a name": {
			"name: birds\ncapabilities: [song of <image>]\nstyles: [tweet]\n",
			[]string{`"song of <image>" has <image>`},
		},
		"image in a prompt": {
			"name: birds\ncapabilities: [song]\nstyles: [tweet]\nprompts: {styler: '<image> {styles}'}\n",
			[]string{`"<image> {styles}" has <image>`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rubric.Parse([]byte(tt.file))
			if err == nil {
				t.Fatalf("parsed as %+v", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	change := func(f func(*rubric.Rubric)) string {
		r := rubric.Default()
		f(r)
		return r.Hash()
	}
	if got := change(func(r *rubric.Rubric) { r.Name = "another" }); got != defaultHash {
		t.Errorf("another name gives hash %s, want %s: the name is not a question", got, defaultHash)
	}
	nothing := ""
	for name, f := range map[string]func(*rubric.Rubric){
		"capability":            func(r *rubric.Rubric) { r.Capabilities[0] = "charm" },
		"order of capabilities": func(r *rubric.Rubric) { slices.Reverse(r.Capabilities) },
		"style left out":        func(r *rubric.Rubric) { r.Styles = r.Styles[1:] },
		"order of styles":       func(r *rubric.Rubric) { slices.Reverse(r.Styles) },
		"trim":                  func(r *rubric.Rubric) { r.Prompts.Trim = &nothing },
		"scorer prompt":         func(r *rubric.Rubric) { r.Prompts.Scorer += "!" },
		"styler prompt":         func(r *rubric.Rubric) { r.Prompts.Styler += "!" },
	} {
		if change(f) == defaultHash {
			t.Errorf("another %s gives the same hash", name)
		}
	}
}

// A plan stores its rubric as JSON. The rubric that is read from it must have the same questions.
func TestRubricSurvivesJSON(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(rubric.Default())
	if err != nil {
		t.Fatal(err)
	}
	var got rubric.Rubric
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rubric.Default(), &got); diff != "" || got.Hash() != defaultHash {
		t.Errorf("hash %s, rubric (-want +got):\n%s", got.Hash(), diff)
	}
}

// Any rubric file is refused, or gives one valid question for every capability, and one for the styles.
func FuzzParse(f *testing.F) {
	for _, file := range []string{
		"name: birds\ncapabilities: [bird song]\nstyles: [tweet]\n",
		"name: a\ncapabilities: [b]\nstyles: [c]\nprompts: {trim: '', scorer: '{capability}', styler: '{styles}'}\n",
		"name: a\ncapabilities: ['{capability}', '{styles}']\nstyles: ['{capability}', '{styles}']\n",
		"&a [*a]", "name: !!binary aGk=", "prompts: null", "",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := rubric.Parse(file)
		if err != nil {
			if r != nil {
				t.Error("Parse returned a rubric and an error")
			}
			return
		}
		prompts := r.PromptsFor([]string{"<image>\nWhich bird is it?", "A wren."})
		if len(prompts) != len(r.Capabilities)+1 {
			t.Errorf("%d prompts for %d capabilities", len(prompts), len(r.Capabilities))
		}
		for i, prompt := range prompts {
			if i < len(r.Capabilities) && !strings.Contains(prompt, r.Capabilities[i]) {
				t.Errorf("prompt %q does not ask for %q", prompt, r.Capabilities[i])
			}
			if strings.Count(prompt, "<image>") > 1 {
				t.Errorf("prompt %q has more images than the sample", prompt)
			}
		}
	})
}
