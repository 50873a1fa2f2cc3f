package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// These are the prompts of the released models, as the paper's authors use them.
// Source: https://github.com/lyumengyao/mmssr
const (
	scorerQuestion = "\nOn a scale of 0 to 5, how do you rate the helpfulness of the VQA instance in training a " +
		"Multimodal Large Language Model for "
	stylerQuestion = "\nInteraction style candidates: [multi-choice, coordinate, yes/no, word/short-phrase, short " +
		"description, " +
		"detailed description, comparison, chain-of-thought (step-by-step), specified style]\nStyles: "
	capabilities = "object spatial understanding, attribute identification, logical deduction, scene understanding, " +
		"fine-grained recognition, language generation, in-context learning, comparative analysis, activity recognition, " +
		"causal reasoning, humanities, stem knowledge, data understanding, optical character recognition"
)

func TestPrompts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	turns := func(human, gpt string) string {
		return `"conversations":[{"from":"human","value":"` + human + `"},{"from":"gpt","value":"` + gpt + `"}]`
	}
	writeFile(t, filepath.Join(dir, "dataset.jsonl"), strings.Join([]string{
		`{"id":"trimmed","image":"a.png",` + turns(`<image>\nIs this a quest`, "No <b>&</b>") + "}",
		`{"id":"letters",` + turns("sensation: Is it? ", ` Yes\n`) + "}",
		`{"id":"hint","image":"a.png",` + turns(`<image>\nHint: choose.\nQuestion: which one `, "B") + "}",
		`{"id":7,"messages":[{"role":"user","content":"Hint: one"},{"role":"assistant","content":"1"},` +
			`{"role":"user","content":"Why"},{"role":"assistant","content":"So"}]}`,
		`{"id":"open","conversations":[{"from":"human","value":"A"},{"from":"gpt","value":"B"},` +
			`{"from":"human","value":"C"}]}`,
		`{"id":"broken","conversations":[]}`,
	}, "\n")+"\n")
	var want strings.Builder
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	for _, s := range []struct{ id, transcript string }{
		{"trimmed", "Question: <image>\nIs this a q Answer: No <b>&</b>"},
		{"letters", "Question: ation: Is it? Answer:  Yes\n"},
		{"hint", "<image>\nHint: choose.\nQuestion: which one  Answer: B"},
		{"7", "Hint: one Answer: 1\nQuestion: Why Answer: So"},
		{"open", "Question: A Answer: B\nQuestion: C Answer: "},
	} {
		line := samplePrompts{ID: s.id}
		for c := range strings.SplitSeq(capabilities, ", ") {
			line.Prompts = append(line.Prompts, s.transcript+scorerQuestion+c+"?")
		}
		line.Prompts = append(line.Prompts, s.transcript+stylerQuestion)
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	want.WriteString(
		`{"id":"broken","problem":"no conversation: conversations: the list is empty; add the turns of a human and the ` +
			`model"}` + "\n",
	)
	a := mustHarvest(t, dir, "prompts", "--state", "state", "dataset.jsonl")
	if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(a.stdout, "\n")); diff != "" {
		t.Errorf("prompts (-want +got):\n%s", diff)
	}
	writeFile(t, filepath.Join(dir, "broken.json"), `[{"id":"a"}]`)
	if a := harvest(t, dir, nil, "prompts", "--state", "state", "broken.json"); a.status != 1 ||
		!strings.Contains(a.stderr, "the only record cannot be used, such as broken.json: element 1") {
		t.Errorf("no record can be used: status %d: %s", a.status, a.stderr)
	}
}
