package rubric_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
)

func TestTranscript(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		turns []string
		want  string
	}{
		"one exchange": {
			[]string{"<image>\nWhat animal is shown?", "A cat."},
			"Question: <image>\nWhat animal is shown? Answer: A cat.",
		},
		// The set of trimmed characters includes letters, so it also cuts letters. The released models were run with it.
		"trim cuts letters":  {[]string{"Is this a quest", "Yes"}, "Question: Is this a q Answer: Yes"},
		"trim of a prefix":   {[]string{"Question: What is it?", "A wren."}, "Question: What is it? Answer: A wren."},
		"trim to nothing":    {[]string{"Questions: none", "Ok"}, "Question:  Answer: Ok"},
		"trim keeps newline": {[]string{"\nis it so\n", "Yes"}, "Question: \nis it so\n Answer: Yes"},
		"trim keeps others":  {[]string{"“Non è così”", "No"}, "Question: “Non è così” Answer: No"},
		"hint":               {[]string{"Hint: Look. Question: Which one", "B"}, "Hint: Look. Question: Which one Answer: B"},
		"hint after image":   {[]string{"<image>\nHint: Look. Which one", "B"}, "<image>\nHint: Look. Which one Answer: B"},
		"hint without colon": {[]string{"Hint here is none", "B"}, "Question: Hint her Answer: B"},
		"hint further down":  {[]string{"<image> Hint: look", "B"}, "Question: <image> Hint: look Answer: B"},
		"no answer":          {[]string{"What is it?"}, "Question: What is it? Answer: "},
		"several turns": {
			[]string{"<image>\nWhat is it?", "A wren.", "Hint: Count. How many?", "Two.", "Are they red?", "no "},
			"Question: <image>\nWhat is it? Answer: A wren.\nHint: Count. How many? Answer: Two.\n" +
				"Question: Are they red? Answer: no ",
		},
		"last answer missing": {
			[]string{"What is it?", "A wren.", "Is it red?"},
			"Question: What is it? Answer: A wren.\nQuestion: Is it red? Answer: ",
		},
		"no turns": {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, rubric.Default().Transcript(tt.turns)); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
		})
	}
}

// In pieces, an image is between two texts, and trimming never cuts beyond an image.
func TestTranscriptPieces(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		turns [][]string
		want  []string
	}{
		"no image": {[][]string{{"so, what is it?"}, {"A wren."}}, []string{"Question: , what is it? Answer: A wren."}},
		"an image": {[][]string{{"", "\nWhat?"}, {"A wren."}}, []string{"Question: ", "\nWhat? Answer: A wren."}},
		"trimmed apart": {
			[][]string{{"no: ", " is it", " a cats"}, {"A", "B"}}, []string{"Question: ", " is it", " a ca Answer: A", "B"},
		},
		"a hint":         {[][]string{{"", "\nHint: on"}, {"so"}}, []string{"", "\nHint: on Answer: so"}},
		"the word":       {[][]string{{"<image>", "<image>"}, {"so"}}, []string{"Question: <image>", "<image> Answer: so"}},
		"several, open":  {[][]string{{"a"}, {"b"}, {"", "c"}}, []string{"Question: a Answer: b\nQuestion: ", "c Answer: "}},
		"nothing at all": {nil, []string{""}},
	} {
		if diff := cmp.Diff(tt.want, rubric.Default().TranscriptPieces(tt.turns)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	prompts := rubric.Default().PromptsFor([]string{"<image>\nWhat animal is shown?", "A cat."})
	if len(prompts) != 15 {
		t.Fatalf("%d prompts, want 14 and one", len(prompts))
	}
	const transcript = "Question: <image>\nWhat animal is shown? Answer: A cat.\n"
	for i, want := range map[int]string{
		0: "On a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training a Multimodal " +
			"Large Language Model for object spatial understanding?",
		13: "On a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training a Multimodal " +
			"Large Language Model for optical character recognition?",
		14: "Interaction style candidates: [multi-choice, coordinate, yes/no, word/short-phrase, short description, " +
			"detailed description, comparison, chain-of-thought (step-by-step), specified style]\nStyles: ",
	} {
		if diff := cmp.Diff(transcript+want, prompts[i]); diff != "" {
			t.Errorf("prompt %d (-want +got):\n%s", i, diff)
		}
	}
}

// Marks such as {styles} in a sample's own text, or in a name, are not replaced.
func TestMarksAreReplacedOnce(t *testing.T) {
	t.Parallel()
	r, err := rubric.Parse([]byte("name: odd\ncapabilities: ['use of {capability}']\n" +
		"styles: ['{styles}', plain]\nprompts: {trim: ''}\n"))
	if err != nil {
		t.Fatal(err)
	}
	prompts := r.PromptsFor([]string{"What are {styles} and {capability}?", "Marks."})
	for i, want := range []string{"Language Model for use of {capability}?", "candidates: [{styles}, plain]"} {
		if !strings.HasPrefix(prompts[i], "Question: What are {styles} and {capability}? Answer: Marks.\n") ||
			!strings.Contains(prompts[i], want) {
			t.Errorf("prompt %d is %q, want %q after the unchanged transcript", i, prompts[i], want)
		}
	}
}
