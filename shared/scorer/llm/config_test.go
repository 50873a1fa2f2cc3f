package llm

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://api.openai.com/v1":   "https://api.openai.com/v1",
		"https://api.openai.com/v1/":  "https://api.openai.com/v1",
		"http://localhost:8000":       "http://localhost:8000/v1",
		"http://localhost:8000/":      "http://localhost:8000/v1",
		"https://host/v1beta/openai/": "https://host/v1beta/openai",
		"localhost:8000":              "",
		"ftp://host":                  "",
		"http://":                     "",
		"":                            "",
		"https://user:sk-1@host/v1":   "",
		"https://host/v1?key=sk-1":    "",
		"https://host/v1#sk-1":        "",
		"https://host:sk-1/v1":        "",
	} {
		got, err := baseURL(url)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, error %v", url, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "sk-1") {
			t.Errorf("%q: the error contains a secret: %v", url, err)
		}
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	got, err := parsePrices(" a=2.5/10, b/c:latest=0/0.6 ,x=y=1/2,c=3/4/0.3,")
	want := map[string]price{
		"a": {2.5, 10, 2.5}, "b/c:latest": {0, 0.6, 0}, "x=y": {1, 2, 1}, "c": {3, 4, 0.3},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(price{})); diff != "" || err != nil {
		t.Errorf("error %v; prices (-want +got)\n%s", err, diff)
	}
	for _, table := range []string{
		"a", "a=", "a=1", "=1/2", "a=1/b", "a=-1/2", "a=1/NaN", "a=inf/1", "a=1_0/1", "a=1e300/1", "a=1/2/x", "a=1/2/3/4",
	} {
		if _, err := parsePrices(table); err == nil || !strings.Contains(err.Error(), "give model=input/output") {
			t.Errorf("%q: error %v", table, err)
		}
	}
}

func TestPricesOfOneModelTwice(t *testing.T) {
	t.Parallel()
	if _, err := parsePrices("a=1/2, a=3/4"); err == nil || !strings.Contains(err.Error(), "a has a price already") {
		t.Errorf("error %v", err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("nothing set: %v", err)
	}
	bad := Config{
		URL: "nowhere", Model: "m", Temperature: -0.5, MaxTokens: -1, ImageSide: -1, Concurrency: -1, RequestsPerMinute: -1,
		TokensPerMinute: -1, Timeout: -time.Second, Prices: "m", MaxCost: -1, ImageTokens: -1,
	}
	err := bad.Validate()
	for _, name := range []string{
		"LLM_URL", "LLM_TEMPERATURE", "LLM_MAX_TOKENS", "LLM_IMAGE_SIDE", "LLM_CONCURRENCY", "LLM_REQUESTS_PER_MINUTE",
		"LLM_TOKENS_PER_MINUTE", "LLM_TIMEOUT", "LLM_PRICES", "LLM_MAX_COST", "LLM_IMAGE_TOKENS",
	} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("error %v lacks %s", err, name)
		}
	}
	for _, endless := range []Config{{MaxCost: math.Inf(1)}, {MaxCost: 1e300}, {Temperature: math.Inf(1)}} {
		if err := endless.Validate(); err == nil {
			t.Errorf("%+v is accepted", endless)
		}
	}
	err = Config{Model: "m", MaxCost: 1, Prices: "other=1/2"}.Validate()
	if err == nil || !strings.Contains(err.Error(), "add it to LLM_PRICES as m=input/output") {
		t.Errorf("a limit without a price: error %v", err)
	}
	for want, c := range map[string]Config{"--scorer llm:URL": {Model: "m"}, "--model NAME": {URL: "http://host"}} {
		if _, err := New(c, Options{Memory: memorytest.Budget(t)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
