package rubric_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
)

// referenceFolder has results of the reference code, next to the repository.
const referenceFolder = "../../../shared/sidecar"

// The prompts of real samples, written as a chat, equal the prompts of the reference code for these samples. Those are
// stored as tokens, and are decoded to text here.
func TestReferencePrompts(t *testing.T) {
	t.Parallel()
	var samples []struct {
		ID            string
		Conversations []struct{ Value string }
		Prompts       []struct{ IDs []int }
	}
	readReference(t, "expected.json", &samples)
	text := decoder(t)
	compared := 0
	for _, s := range samples {
		var turns []string
		for _, turn := range s.Conversations {
			turns = append(turns, turn.Value)
		}
		for i, prompt := range rubric.Default().PromptsFor(turns) {
			if s.Prompts[i].IDs == nil {
				continue // the folder has only a hash of most prompts
			}
			compared++
			want := text(s.Prompts[i].IDs)
			got := "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n" +
				strings.ReplaceAll(prompt, "<image>", "<image>\n") + "<|im_end|>\n<|im_start|>assistant\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sample %s, prompt %d (-reference +ours):\n%s", s.ID, i, diff)
			}
		}
	}
	if compared == 0 {
		t.Error("the reference has no prompt with its tokens")
	}
}

func readReference(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(referenceFolder, name))
	if os.IsNotExist(err) {
		t.Skipf("the reference's results are missing: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// decoder returns a function that decodes tokens of the reference's tokenizer to text. Its vocabulary is byte-level:
// each letter of a token represents one byte.
func decoder(t *testing.T) func(ids []int) string {
	t.Helper()
	var tokenizer struct {
		Model struct{ Vocab map[string]int }
		Added []struct {
			ID      int
			Content string
		} `json:"added_tokens"`
	}
	readReference(t, "checkpoint/tokenizer.json", &tokenizer)
	// Printable bytes of Latin-1 represent themselves; letters from U+0100 on represent the other bytes. Source:
	// bytes_to_unicode of https://github.com/openai/gpt-2/blob/master/src/encoder.py
	bytes := map[rune]byte{}
	next := rune(0x100)
	for b := range 0x100 {
		if b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad {
			bytes[rune(b)] = byte(b)
		} else {
			bytes[next] = byte(b)
			next++
		}
	}
	texts := map[int]string{-200: "<image>"}
	for token, id := range tokenizer.Model.Vocab {
		for _, r := range token {
			texts[id] += string([]byte{bytes[r]})
		}
	}
	for _, special := range tokenizer.Added {
		texts[special.ID] = special.Content
	}
	return func(ids []int) string {
		var b strings.Builder
		for _, id := range ids {
			b.WriteString(texts[id])
		}
		return b.String()
	}
}
