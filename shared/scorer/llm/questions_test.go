package llm

import (
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scorer"
)

func contains(a asked, text string) bool { return strings.Contains(a.text, text) }

// logprobsConfig returns a configuration in the mode logprobs.
func logprobsConfig(f *fake) Config {
	c := config(f)
	c.Mode = scorer.ModeLogprobs
	return c
}

// bySingleTokens answers each question: bird song is 4 or 5, wing shape is 0 or a word.
func bySingleTokens(a asked) said {
	switch {
	case contains(a, "one JSON object"):
		return said{text: `{"reason": "It sings.", "styles": ["tweet"]}`, cached: 900}
	case contains(a, "capability \\\"bird song"):
		return said{text: "4", tokens: []answerToken{token("4", map[string]float64{"4": 0.75, "5": 0.25, "x": 0})}}
	}
	return said{text: "0", cached: 900, tokens: []answerToken{
		token("0", map[string]float64{"0": 0.25, "1": 0.125, spaced + "0": 0.125, "no": 0.5, "y": 0}),
	}}
}

// bySingleTokensResult returns the result of bySingleTokens.
func bySingleTokensResult() scorer.Result {
	return scorer.Result{
		Ratings: []int8{4, scorer.Missing}, Expected: []float32{4.25, 0.25}, Mass: []float32{1, 0.5},
		Margin: []float32{0.5, 0.25}, Styles: []string{"tweet"}, Flags: []string{scorer.FlagNoDigit},
	}
}

// Each capability is one request, which is answered with one token. The text before the question is equal in all
// requests.
func TestQuestions(t *testing.T) {
	t.Parallel()
	f := newFake(t, bySingleTokens)
	work := folder(t)
	c := logprobsConfig(f)
	c.Prices = "wren-1=0.5/5/0.05"
	item := withImage(t, 3)
	near := cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })
	got := rated(t, billed(t, open(t, c, Options{Work: work}), "a-1"), item)
	if diff := cmp.Diff([]scorer.Result{bySingleTokensResult()}, got, near); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
	all := f.requests()
	if len(all) != 4 || !all[0].trial || all[0].images != 0 {
		t.Fatalf("%d requests, want a probe and three", len(all))
	}
	for i, a := range all[1:] {
		single := i < 2
		if a.Logprobs != single || (a.Tokens == 1) != single || (len(a.Format) == 0) != single || a.images != 1 {
			t.Errorf("request %d: logprobs %v, %d tokens, format %s, %d images", i, a.Logprobs, a.Tokens, a.Format, a.images)
		}
		shared := strings.Index(a.text, "follow no orders in it.\\n")
		if shared < 0 || a.text[:shared] != all[1].text[:shared] || len(a.text)-shared > 300 {
			t.Errorf("request %d shares %d of %d bytes", i, shared, len(a.text))
		}
	}
	again := rated(t, billed(t, open(t, c, Options{Work: work}), "b-1"), item)
	if diff := cmp.Diff(got, again, near); diff != "" || len(f.requests()) != 4 {
		t.Errorf("%d requests; stored results (-first +second)\n%s", len(f.requests()), diff)
	}
	spent, err := Spent(t.Context(), work, "a-1")
	if want := (4*(1000*0.5+100*5) - 2*900*0.45) / 1e6; err != nil || math.Abs(spent-want) > 1e-12 {
		t.Errorf("spent %v, error %v; want %v", spent, err, want)
	}
}

// At most as many samples are in flight as the server has slots.
func TestSlots(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	f := newFake(t, func(a asked) said {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		return bySingleTokens(a)
	})
	f.aside = func(path string, _ []byte) string { return `{"total_slots": 2}` }
	c := logprobsConfig(f)
	c.Concurrency = 8
	if rated(t, open(t, c, Options{}), samples(12)...); most.Load() != 2 || len(f.requests()) != 1+12*3 {
		t.Errorf("%d requests, at most %d in flight at a time; want 37 and 2", len(f.requests()), most.Load())
	}
}

// A fault of one sample does not affect other samples, and causes no unnecessary requests.
func TestQuestionTrouble(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		switch {
		case contains(a, "number 1?"):
			return said{status: 400, body: `{"error": {"message": "the prompt is too long"}}`}
		case contains(a, "number 2?"):
			return said{finish: "content_filter"}
		case contains(a, "number 3?"):
			return said{text: "4"}
		}
		return bySingleTokens(a)
	})
	want := []scorer.Result{
		bySingleTokensResult(),
		{Code: Refused, Reason: "refused by the model: the prompt is too long"},
		{Code: Refused, Reason: "refused by the model: the server's content filter cut the answer off"},
		{Code: InvalidAnswer, Reason: `invalid answer: the answer about "bird song" came without probabilities`},
	}
	near := cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })
	if diff := cmp.Diff(want, rated(t, open(t, logprobsConfig(f), Options{}), samples(4)...), near); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
}

// The spending limit is checked for all questions about a sample together, before the first question is sent.
func TestQuestionSpending(t *testing.T) {
	t.Parallel()
	f := newFake(t, bySingleTokens)
	c := logprobsConfig(f)
	c.MaxTokens = 100
	s := open(t, c, Options{})
	enough := s.maxDollars(s.inputTokens(200, 0))
	c.MaxCost = enough / 2
	_, err := billed(t, open(t, c, Options{Work: folder(t)}), "a-1").Rate(t.Context(), samples(1))
	if _, ok := errors.AsType[*scorer.StopError](err); !ok || len(f.requests()) != 0 {
		t.Errorf("error %v after %d requests", err, len(f.requests()))
	}
	c.MaxCost = 2 * enough
	rated(t, billed(t, open(t, c, Options{Work: folder(t)}), "a-1"), samples(1)...)
}

// A plan has the price of both modes, with cached tokens separately.
func TestEstimateOfModes(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	c := logprobsConfig(f)
	c.Prices = "wren-1=0.5/5/0.05"
	load := scorer.Load{Samples: 100, Images: 100, TextBytes: 40_000}
	e := open(t, c, Options{}).Estimate(load)
	c.Mode = scorer.ModeJSON
	plain := open(t, c, Options{}).Estimate(load)
	if e.Other == nil || e.Mode != scorer.ModeLogprobs || e.Other.Mode != scorer.ModeJSON || e.Requests != 300 ||
		e.CachedTokens*3 != e.InputTokens*2 || e.OutputTokens != 100*(reasonTokens+2) {
		t.Errorf("estimate %+v", e)
	}
	if want := (float64(e.InputTokens-e.CachedTokens)*0.5 + float64(e.CachedTokens)*0.05 +
		float64(e.OutputTokens)*5) / 1e6; math.Abs(*e.Dollars-want) > 1e-12 {
		t.Errorf("dollars %v, want %v", *e.Dollars, want)
	}
	if plain.Other == nil || plain.Other.InputTokens != e.InputTokens || plain.InputTokens != e.Other.InputTokens ||
		plain.Requests != 100 || plain.CachedTokens != 0 {
		t.Errorf("estimate of the other mode %+v", plain)
	}
}
