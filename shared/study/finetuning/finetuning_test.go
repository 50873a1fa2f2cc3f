package finetuning_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/study/finetuning"
)

// The prompts are those of the released models, which are written out here.
func TestItems(t *testing.T) {
	t.Parallel()
	rub := rubric.Default()
	a := annotation.Annotation{ID: "wren", Scores: make([]int8, 14), Styles: []string{"word/short-phrase", "comparison"}}
	for c := range a.Scores {
		a.Scores[c] = scorer.Missing
	}
	a.Scores[0], a.Scores[13] = 4, 0
	texts, images := []string{"<image>\nWhat is it?", "A wren.", "Is it red", "No"}, []string{"images/wren.png"}

	const transcript = "Question: <image>\nWhat is it? Answer: A wren.\nQuestion: Is it red Answer: No\n"
	const ask = "On a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training a Multimodal " +
		"Large Language Model for "
	exchange := func(name, prompt, answer string) finetuning.Item {
		return finetuning.Item{
			ID: "wren/" + name, Image: images,
			Conversations: [2]finetuning.Turn{{From: "human", Value: transcript + prompt}, {From: "gpt", Value: answer}},
		}
	}
	want := []finetuning.Item{
		exchange("object spatial understanding", ask+"object spatial understanding?", "4"),
		exchange("optical character recognition", ask+"optical character recognition?", "0"),
	}
	if diff := cmp.Diff(want, finetuning.ScorerItems(a, texts, images, rub)); diff != "" {
		t.Errorf("scorer's items (-want +got):\n%s", diff)
	}
	want = []finetuning.Item{
		exchange("styles", "Interaction style candidates: ["+strings.Join(rub.Styles, ", ")+"]\nStyles: ",
			"word/short-phrase, comparison"),
	}
	if diff := cmp.Diff(want, finetuning.StylerItems(a, texts, images, rub)); diff != "" {
		t.Errorf("styler's item (-want +got):\n%s", diff)
	}
	a.Styles = nil
	if got := finetuning.StylerItems(a, texts, images, rub); got != nil {
		t.Errorf("without a style: %v", got)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	var members []finetuning.Member
	for i := range 300 {
		m := finetuning.Member{ID: fmt.Sprint(i)}
		switch i % 10 {
		case 0: // only text
		case 9: // a chain: 1 and 2 share an image with 9, and so belong together
			m.Images = []string{fmt.Sprint("a", i-8), fmt.Sprint("a", i-7)}
		default:
			m.Images = []string{fmt.Sprint("a", i)}
		}
		members = append(members, m)
	}
	got := finetuning.Split(members, 7)
	count := 0
	for i := range members {
		if got[i] {
			count++
		}
		if i%10 == 9 && (got[i] != got[i-8] || got[i] != got[i-7]) {
			t.Errorf("sample %d and samples of its group are on different sides", i)
		}
	}
	if count != 30 {
		t.Errorf("%d of 300 samples are for validation, want 30", count)
	}
	if !slices.Equal(got, finetuning.Split(members, 7)) {
		t.Error("a second call gives another split")
	}
	if slices.Equal(got, finetuning.Split(members, 8)) {
		t.Error("another seed gives the same split")
	}

	// The order of samples does not matter.
	backward := slices.Clone(members)
	slices.Reverse(backward)
	mirrored := finetuning.Split(backward, 7)
	slices.Reverse(mirrored)
	if !slices.Equal(got, mirrored) {
		t.Error("the reverse order gives another split")
	}
}

func TestSplitOfFew(t *testing.T) {
	t.Parallel()
	one := finetuning.Member{ID: "1", Images: []string{"x"}}
	two := finetuning.Member{ID: "2", Images: []string{"x"}}
	three := finetuning.Member{ID: "3", Images: []string{"y"}}
	for name, tt := range map[string]struct {
		members []finetuning.Member
		want    []bool
	}{
		"none":               {nil, []bool{}},
		"one image":          {[]finetuning.Member{one, two}, []bool{false, false}},
		"the smallest group": {[]finetuning.Member{one, two, three}, []bool{false, false, true}},
	} {
		if diff := cmp.Diff(tt.want, finetuning.Split(tt.members, 1)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
