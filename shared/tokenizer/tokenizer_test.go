package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/thorough"
	"github.com/klauspost/compress/zstd"
)

// TestCount compares the counts with those of Hugging Face's tokenizers, which testdata/hf.py computed.
func TestCount(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/texts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for line := range strings.Lines(string(data)) {
		var want struct {
			Text   string
			Tokens int
		}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if got := Count(want.Text); got != want.Tokens {
			t.Errorf("%q: %d tokens, want %d", want.Text, got, want.Tokens)
		}
		texts++
	}
	if texts < 50 {
		t.Errorf("only %d texts", texts)
	}
}

// TestCountHostile counts texts that no pre-tokeniser divides. The time must be linear in their length.
func TestCountHostile(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	for _, unit := range []string{"a", "ab", " ", "\n", "图", "!", "\u0301", "\xff"} {
		text, start := strings.Repeat(unit, 1<<20/len(unit)), time.Now()
		if n := Count(text); n < 1 || n > len(text) {
			t.Errorf("%q: %d tokens", unit, n)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("a megabyte of %q took %v", unit, took)
		}
	}
}

// FuzzCount checks that pieces are never empty, and that a text does not have more tokens than bytes.
func FuzzCount(f *testing.F) {
	for _, text := range []string{"", "What's it?\n", " \r\n x", "'ſ", "\xff'l", "e\u0301"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := Count(text); (n == 0) != (text == "") || n > 3*len(text) { // a composition may be longer
			t.Errorf("%q: %d tokens", text, n)
		}
	})
}

// TestVocabulary compares the vocabulary with the file that HARVEST_VOCABULARY names, and writes it if HARVEST_PACK is
// set:
//
//	HARVEST_VOCABULARY=qwen.tiktoken HARVEST_PACK=1 go test ./shared/tokenizer -run Vocabulary
func TestVocabulary(t *testing.T) {
	file := os.Getenv("HARVEST_VOCABULARY")
	if file == "" {
		if known := vocabulary(); len(known.ends) != size {
			t.Errorf("%d tokens", len(known.ends))
		} else {
			for rank := range uint32(size) {
				token := string(known.text[known.begin(rank)+1 : known.ends[rank]])
				if known.rank(token) != rank || known.rank(token+"\xff") == rank {
					t.Fatalf("token %d, %q, has rank %d", rank, token, known.rank(token))
				}
			}
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var plain []byte
	for line := range strings.Lines(string(data)) {
		encoded, _, _ := strings.Cut(line, " ")
		token, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		plain = append(append(plain, byte(len(token))), token...)
	}
	if os.Getenv("HARVEST_PACK") != "" {
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("qwen2.zst", encoder.EncodeAll(plain, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(plain, vocabulary().text) {
		t.Error("qwen2.zst has another vocabulary")
	}
}

func BenchmarkCount(b *testing.B) {
	text := "What is the difference between the highest and the lowest value of exports in the years from 2010 to 2019, " +
		"as shown in the chart?\nAnswer the question using a single word or phrase."
	Count(text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Count(text)
	}
}
