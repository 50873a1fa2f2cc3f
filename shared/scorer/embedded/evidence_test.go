package embedded

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVocabulary checks that each word is listed once in its topic, and that it is found as a word of a text.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	for word, known := range lexicon() {
		if topics := known.topics; len(slices.Compact(slices.Clone(topics))) != len(topics) {
			t.Errorf("%q is listed twice in a topic", word)
		}
		if word != strings.ToLower(word) || strings.ContainsAny(word, "-'") {
			t.Errorf("%q cannot be a word of a text", word)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	var got tally
	got.add("The Dogs are running: 3 red cups, 2.5% wedding string!")
	if got.words != 11 || got.numbers != 3 || got.sentences != 1 || got.percents != 1 || got.named != 2 ||
		got.function != 2 {
		t.Errorf("counts: %+v", got)
	}
	var topics []topic
	for k, n := range got.topics {
		if n > 0 {
			topics = append(topics, topic(k))
		}
	}
	// Running is an activity; wedding and string are not.
	if diff := cmp.Diff([]topic{colour, being, activity, animal, food, indoors, computing, action}, topics); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

func TestGather(t *testing.T) {
	t.Parallel()
	noise := measureImage(paint(200, 200, scenery()))
	for _, test := range []struct {
		name     string
		texts    []string
		pictures []imageStats
		want     map[cue]float64
	}{
		{"text only, bare", []string{"Where is it?", "Left"}, nil,
			map[cue]float64{bare: 1, textOnly: 1, several: 0, verdict: 0}},
		{"one photograph", []string{"<image>\nIs it a dog?", "Yes, it is a dog."}, []imageStats{noise},
			map[cue]float64{bare: 0, textOnly: 0, several: 0, photo: noise.photo(), verdict: 1}},
		{"two images, one of them plain", []string{"Compare them.", "One is rough, the other is plain."},
			[]imageStats{noise, {Flat: 1, Light: 1, Dominant: 1}},
			map[cue]float64{several: 1, photo: noise.photo() / 2, contrast: 1}},
		{"boxes", []string{"What is in [0.1, 0.2, 0.3, 0.4]?", "A cup", "And where is the dog?", "[0.5, 0.1, 0.9, 0.3]"}, nil,
			map[cue]float64{boxAsked: 1, boxGiven: 1, numbersGiven: 8.0 / 9}},
		{"steps in notation", []string{
			"Solve $x^2 = 4$. Show your work.",
			"The square root of four is two, and x may have either sign, so $x = \\pm 2$.",
		}, nil, map[cue]float64{notation: 1, steps: 1, formatted: 0}},
		{"demands", []string{"Transcribe the \"small print\" as JSON and describe it.", "{\"text\": \"none\"}"}, nil,
			map[cue]float64{reading: 1, formatted: 1, caption: 1, quote: 1}},
		{"options", []string{"Pick one.\nA. x\nB. y", "A"}, nil, map[cue]float64{options: 1}},
		{"lengths", []string{strings.Repeat("word ", 15), strings.Repeat("word ", 1000)}, nil,
			map[cue]float64{longTask: 0.5, long: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pairs := pairsOf(talk(test.texts...))
			var question, answer tally
			for i := range pairs {
				question.merge(&pairs[i].questionTally)
				answer.merge(&pairs[i].answerTally)
			}
			e := newEvidence(pairs, &question, &answer, test.pictures)
			got := map[cue]float64{}
			for c := range test.want {
				got[c] = e[c]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cues (-want +got):\n%s", diff)
			}
		})
	}
}
