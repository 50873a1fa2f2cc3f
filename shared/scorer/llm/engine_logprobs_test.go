package llm

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/llm/enginetest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// digitsBias makes the six digits likely for the small random model, with different probabilities.
const digitsBias = 9

// The mode logprobs reads the probabilities with which a real server samples. A thousand answers to the same prompt,
// which a grammar restricts to one digit, must have each digit with this probability.
func TestRealProbabilities(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	server := enginetest.StartDigits(t, digitsBias)
	work := folder(t)
	s := open(t, Config{URL: server.URL, Model: "tiny", Mode: scorer.ModeLogprobs, MaxTokens: 300, Concurrency: 8},
		Options{Work: work})
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	item := withImage(t, 1)
	result := rated(t, s, item)[0]
	if result.Reason != "" || len(result.Mass) != 2 || len(result.Expected) != 2 {
		t.Fatalf("result %+v", result)
	}
	var kept Answer
	readObject(t, work, objects(t, work, "answers/")[0], &kept)
	if kept.Usage.CachedTokens == 0 {
		t.Error("the server has read nothing from its cache")
	}
	for i, c := range s.rubric.Capabilities {
		d := kept.Digits[i]
		sum, weighted := 0.0, 0.0
		for digit, p := range d.Probabilities {
			sum, weighted = sum+p, weighted+p*float64(digit)
		}
		if d.mass() < scorer.MinMass || d.Other || d.Unlisted > maxUnlisted ||
			math.Abs(float64(result.Expected[i])-weighted/sum) > 1e-6 || result.Ratings[i] != d.likeliest() {
			t.Errorf("%q: %+v; expected score %v, rating %d", c, d, result.Expected[i], result.Ratings[i])
		}
	}
	shown, err := newConversation(item.Sample)
	if err != nil {
		t.Fatal(err)
	}
	images, _, err := prepareAll(t.Context(), item, s.ImageSide, s.Memory)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 1000
	counts := drawDigits(t, server.URL, s, shown, images, draws)
	var shares [scorer.MaxRating + 1]float64
	for digit, p := range kept.Digits[0].Probabilities {
		shares[digit] = p / kept.Digits[0].mass()
	}
	chi, expectedTooFew := 0.0, 0.0
	for digit, share := range shares {
		want := share * draws
		if want < 5 { // too few for the statistic: their total is checked separately
			expectedTooFew += want
			continue
		}
		chi += (float64(counts[digit]) - want) * (float64(counts[digit]) - want) / want
	}
	t.Logf("shares %.3f, of %d draws %v, chi-square %.2f", shares, draws, counts, chi)
	if chi > 20.5 || expectedTooFew > 15 { // with 5 degrees of freedom, exceeded once in a thousand tests
		t.Errorf("chi-square %.2f of %v against %.3f", chi, counts, shares)
	}
}

// drawDigits samples answers to the first question about a sample, at temperature 1.
func drawDigits(
	t *testing.T, base string, s *Scorer, shown conversation, images []encodedImage, draws int,
) (counts [scorer.MaxRating + 1]int) {
	t.Helper()
	var content []map[string]any
	for _, img := range images {
		var body bytes.Buffer
		reader, _, err := withImages([]byte(placeOfURL+`0"`), []encodedImage{img})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body.ReadFrom(reader); err != nil {
			t.Fatal(err)
		}
		url := strings.TrimSuffix(strings.TrimPrefix(body.String(), `"url":"`), `"`)
		content = append(content, map[string]any{"type": "image_url", "image_url": map[string]any{"url": url}})
	}
	question := heading(shown, len(images)) + shown.lines + questionReminder + capabilityQuestion(s.rubric.Capabilities[0])
	content = append(content, map[string]any{"type": "text", "text": question})
	for seed := range draws {
		body, err := json.Marshal(map[string]any{
			"messages": []any{
				map[string]any{"role": "system", "content": []any{map[string]any{"type": "text", "text": s.system}}},
				map[string]any{"role": "user", "content": content},
			},
			"max_tokens": 1, "temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "seed": seed, "grammar": "root ::= [0-5]",
		})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(base+"/chat/completions", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var answered struct {
			Choices []struct {
				Message struct{ Content string }
			}
		}
		err = json.NewDecoder(resp.Body).Decode(&answered)
		resp.Body.Close()
		if err != nil || len(answered.Choices) != 1 || len(answered.Choices[0].Message.Content) != 1 {
			t.Fatalf("draw %d: status %d, error %v, %+v", seed, resp.StatusCode, err, answered)
		}
		counts[answered.Choices[0].Message.Content[0]-'0']++
	}
	return counts
}

// In the mode json, a real server gives the distribution at each digit of its answer. The difference of the expected
// scores of both modes is only logged: with random weights, each prompt has a different answer.
func TestRealConditional(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	server := enginetest.StartDigits(t, digitsBias)
	config := Config{URL: server.URL, Model: "tiny", MaxTokens: 600, Concurrency: 2}
	items := append(samples(6), withImage(t, 1), withImage(t, 2))
	results := rated(t, open(t, config, Options{}), items...)
	for i, r := range results {
		if r.Reason != "" || !slices.Contains(r.Flags, FlagConditional) || len(r.Margin) != 2 {
			t.Errorf("sample %d: %+v", i, r)
			continue
		}
		for c := range r.Ratings {
			if r.Mass[c] < scorer.MinMass || r.Expected[c] == float32(r.Ratings[c]) || math.IsNaN(float64(r.Margin[c])) {
				t.Errorf("sample %d, capability %d: %+v", i, c, r)
			}
		}
	}
	config.Mode = scorer.ModeLogprobs
	sum, equal, n := 0.0, 0, 0
	for i, r := range rated(t, open(t, config, Options{}), items...) {
		for c := range r.Ratings {
			sum += math.Abs(float64(r.Expected[c] - results[i].Expected[c]))
			if r.Ratings[c] == results[i].Ratings[c] {
				equal++
			}
			n++
		}
	}
	t.Logf("%d ratings: %d equal in both modes, expected scores differ by %.2f in the mean", n, equal, sum/float64(n))
}

// The small random model gives digits no probability. So it is refused, and the error quotes its answer.
func TestRealProbe(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t)
	err := open(t, Config{URL: server.URL, Model: "tiny", Mode: scorer.ModeLogprobs}, Options{}).Probe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the likeliest tokens are") {
		t.Errorf("error %v", err)
	}
	t.Log(err)
}
