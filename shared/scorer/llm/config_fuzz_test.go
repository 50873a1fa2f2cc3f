package llm

import (
	"math"
	"testing"
)

func FuzzParsePrices(f *testing.F) {
	for _, text := range []string{
		"gpt-4o=2.50/10", "a=1/2, b=0/0", "a=b=1/2", "", ",", "a=1", "=1/2", "a=-1/2", "a=NaN/1", "a=Inf/1", "a=1e308/1e308",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prices, err := parsePrices(text)
		if err != nil {
			return
		}
		for model, p := range prices {
			if cost := p.of(Usage{InputTokens: 100, OutputTokens: 7}); model == "" || cost < 0 || math.IsNaN(cost) {
				t.Errorf("%q: %q costs %v", text, model, cost)
			}
		}
	})
}

func FuzzBaseURL(f *testing.F) {
	for _, text := range []string{
		"https://api.openai.com/v1", "http://localhost:8000", "http://a/v1/", "http://key@a", "a", "http://a?key=x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base, err := baseURL(text)
		if err != nil {
			return
		}
		if again, err := baseURL(base); err != nil || again != base {
			t.Errorf("%q gives %q, which reads as %q %v", text, base, again, err)
		}
	})
}
