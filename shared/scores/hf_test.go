package scores_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestTokensByHuggingFace compares tokens of scores with the counts of Hugging Face's tokenizer and processors, and
// prints the table of the page of package tokenizer. It runs only on request:
//
//	harvest curate --budget 30% --images IMAGES --out OUT MANIFEST
//	python3 shared/tokenizer/testdata/hf.py qwen.tiktoken MANIFEST IMAGES > hf.jsonl
//	HARVEST_SCORES='OUT/scores-*.parquet' HARVEST_HF=$PWD/hf.jsonl go test -v -run HuggingFace ./shared/scores
func TestTokensByHuggingFace(t *testing.T) {
	if os.Getenv("HARVEST_HF") == "" {
		t.Skip("HARVEST_HF does not name a file of counts of Hugging Face's tokenizer")
	}
	counted := readHF(t)
	names, err := filepath.Glob(os.Getenv("HARVEST_SCORES"))
	if err != nil || len(names) == 0 {
		t.Fatalf("HARVEST_SCORES: no files, %v", err)
	}
	sources := map[string][]comparedSample{}
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		table, err := scores.Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range table.Records {
			r := &table.Records[i]
			if of, ok := counted[r.ID]; ok && r.Status == scores.OK {
				sources[r.Source] = append(sources[r.Source], comparedSample{r, of})
				sources["all"] = append(sources["all"], comparedSample{r, of})
			}
		}
	}
	var b strings.Builder
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		b.WriteString(tokenRow(t, source, sources[source]))
	}
	t.Log("\n" + b.String())
}

// hfCount has Hugging Face's counts of a sample, from testdata/hf.py of package tokenizer.
type hfCount struct {
	ID            string
	Text, Answers int
	Anyres        int `json:"onevision-anyres"`
	Qwen          int `json:"qwen2.5-vl"`
}

func readHF(t *testing.T) map[string]hfCount {
	t.Helper()
	data, err := os.ReadFile(os.Getenv("HARVEST_HF"))
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]hfCount{}
	for line := range strings.Lines(string(data)) {
		var of hfCount
		if err := json.Unmarshal([]byte(line), &of); err != nil {
			t.Fatal(err)
		}
		counted[of.ID] = of
	}
	return counted
}

// A comparedSample has the counts of a sample by Harvest and by Hugging Face.
type comparedSample struct {
	record *scores.Record
	hf     hfCount
}

// tokenRow returns a row of the table: means of Hugging Face's counts, each with the mean and the 95 % quantile of
// Harvest's error.
func tokenRow(t *testing.T, source string, samples []comparedSample) string {
	t.Helper()
	text := func(s comparedSample) int { return s.hf.Text }
	row := fmt.Sprintf("| %s | %d |", source, len(samples))
	row += errorCells(samples, text, func(s comparedSample) int { return s.record.Tokens.Text })
	answers := func(s comparedSample) int { return s.hf.Answers }
	ownAnswers := func(s comparedSample) int { return s.record.Tokens.Answers }
	row += errorOnly(samples, answers, ownAnswers)
	equal(t, "answers", samples, answers, ownAnswers)
	for _, rule := range []string{"onevision-anyres", "qwen2.5-vl"} {
		whole := func(s comparedSample) int {
			if rule == "qwen2.5-vl" {
				return s.hf.Text + s.hf.Qwen
			}
			return s.hf.Text + s.hf.Anyres
		}
		equal(t, rule, samples, whole, ours(t, rule))
		row += errorCells(samples, whole, ours(t, rule)) + errorOnly(samples, whole, ours(t, "730"))
	}
	return row + "\n"
}

// ours returns a function that counts the tokens of a sample under a rule for images.
func ours(t *testing.T, rule string) func(comparedSample) int {
	t.Helper()
	visual, err := selection.ParseVisualTokens(rule)
	if err != nil {
		t.Fatal(err)
	}
	return func(s comparedSample) int {
		n, err := s.record.TrainingTokens(visual)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func errorCells(samples []comparedSample, want, got func(comparedSample) int) string {
	sum := 0
	for _, s := range samples {
		sum += want(s)
	}
	return fmt.Sprintf(" %d |", (sum+len(samples)/2)/len(samples)) + errorOnly(samples, want, got)
}

// equal requires equal counts for every sample.
func equal(t *testing.T, name string, samples []comparedSample, want, got func(comparedSample) int) {
	t.Helper()
	for _, s := range samples {
		if want(s) != got(s) {
			t.Errorf("%s of %s: %d tokens, by Hugging Face %d", name, s.record.ID, got(s), want(s))
		}
	}
}

// errorOnly formats the mean of the relative error, and the 95 % quantile of its absolute values.
func errorOnly(samples []comparedSample, want, got func(comparedSample) int) string {
	mean, sizes := 0.0, make([]float64, len(samples))
	for i, s := range samples {
		e := float64(got(s)-want(s)) / float64(max(want(s), 1))
		mean += e / float64(len(samples))
		sizes[i] = math.Abs(e)
	}
	slices.Sort(sizes)
	return fmt.Sprintf(" %+.1f, %.1f |", 100*mean, 100*sizes[(len(sizes)*95+99)/100-1])
}
