package llm

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// Config has the model, its URL, and its limits. A field that is 0 has its default.
type Config struct {
	// URL is the base of an OpenAI-compatible API, such as https://api.openai.com/v1. If it has no path, /v1 is added. The
	// scorer's id does not depend on the URL.
	URL   string `env:"LLM_URL" json:"url,omitempty" meaning:"base of the OpenAI-compatible API of the scorer llm"`
	Model string `env:"LLM_MODEL" json:"model,omitempty" meaning:"name of the model that rates"`
	// Mode is the way to query the model: scorer.ModeJSON, the default, or scorer.ModeLogprobs. The mode changes ratings.
	Mode string `env:"LLM_MODE, default=json" json:"mode,omitempty" meaning:"json, or logprobs: one request per rating"`
	// APIKey is a secret. It is sent to URL as a bearer token, and is never stored or logged.
	APIKey string `env:"LLM_API_KEY" json:"-" meaning:"API key, sent as a bearer token; in the cloud from Secret Manager"`

	// Temperature, MaxTokens and ImageSide change ratings, and so the scorer's id. A temperature of -1 is not sent, for
	// models that accept only their own temperature.
	Temperature float64 `env:"LLM_TEMPERATURE, default=0" json:"-" meaning:"sampling temperature; -1: none is sent"`
	// MaxTokens is the largest length of an answer in tokens, with the model's thinking; 2048 by default.
	MaxTokens int `env:"LLM_MAX_TOKENS, default=2048" json:"-" meaning:"token limit of an answer, including its thinking"`
	// ImageSide is the longest side of an image that is sent, in pixels. Larger images are reduced. 1024 by default.
	ImageSide int `env:"LLM_IMAGE_SIDE, default=1024" json:"-" meaning:"longest side of an image that is sent, in pixels"`

	// Concurrency is the largest number of concurrent requests of a process; 8 by default.
	Concurrency int `env:"LLM_CONCURRENCY, default=8" json:"-" meaning:"concurrent requests of a process"`
	// RequestsPerMinute and TokensPerMinute limit the requests of a process; no limit by default.
	RequestsPerMinute int `env:"LLM_REQUESTS_PER_MINUTE, default=0" json:"-" meaning:"limit of a process; 0: no limit"`
	TokensPerMinute   int `env:"LLM_TOKENS_PER_MINUTE, default=0" json:"-" meaning:"limit of a process; 0: no limit"`
	// Timeout is the time limit of a request; 120 s by default.
	Timeout time.Duration `env:"LLM_TIMEOUT, default=120s" json:"-" meaning:"time limit of a request"`

	// Prices is a table of US dollars per million input, output and cached input tokens: model=input/output/cached,... The
	// last price can be left out. Cached tokens then cost as much as other input tokens.
	Prices string `env:"LLM_PRICES" json:"-" meaning:"US dollars per million tokens, model=in/out[/cached],..."`
	// MaxCost is the most that a run may cost, in US dollars; no limit by default.
	MaxCost float64 `env:"LLM_MAX_COST, default=0" json:"-" meaning:"US dollars that a run may spend; 0: no limit"`
	// ImageTokens is the number of tokens of an image in estimates; 1000 by default.
	ImageTokens int `env:"LLM_IMAGE_TOKENS, default=1000" json:"-" meaning:"tokens of an image in estimates"`
}

// noTemperature is the value of Temperature for requests without a temperature.
const noTemperature = -1

func (c Config) withDefaults() Config {
	c.Mode = cmp.Or(c.Mode, scorer.ModeJSON)
	c.MaxTokens, c.ImageSide = cmp.Or(c.MaxTokens, 2048), cmp.Or(c.ImageSide, 1024)
	c.Concurrency, c.Timeout = cmp.Or(c.Concurrency, 8), cmp.Or(c.Timeout, 120*time.Second)
	c.ImageTokens = cmp.Or(c.ImageTokens, 1000)
	return c
}

// Complete validates the configuration of a service that uses the model: URL and model are required.
func (c Config) Complete() error {
	if err := c.Validate(); err != nil {
		return err
	}
	if c.URL == "" {
		return errors.New("the model's URL is not set: give --scorer llm:URL, or set LLM_URL")
	}
	if c.Model == "" {
		return errors.New("the model's name is not set: give --model NAME, or set LLM_MODEL")
	}
	return nil
}

// Validate reports every invalid variable by its name. An empty URL or model is valid, because not every service uses
// the model.
func (c Config) Validate() error {
	var faults []error
	if c.URL != "" {
		if _, err := baseURL(c.URL); err != nil {
			faults = append(faults, fmt.Errorf("LLM_URL: %w", err))
		}
	}
	if err := scorer.CheckMode(c.Mode); err != nil {
		faults = append(faults, fmt.Errorf("LLM_MODE: %w", err))
	}
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"LLM_MAX_TOKENS", float64(c.MaxTokens)}, {"LLM_IMAGE_SIDE", float64(c.ImageSide)},
		{"LLM_CONCURRENCY", float64(c.Concurrency)}, {"LLM_REQUESTS_PER_MINUTE", float64(c.RequestsPerMinute)},
		{"LLM_TOKENS_PER_MINUTE", float64(c.TokensPerMinute)}, {"LLM_TIMEOUT", c.Timeout.Seconds()},
		{"LLM_IMAGE_TOKENS", float64(c.ImageTokens)},
	} {
		if !(n.value >= 0) {
			faults = append(faults, fmt.Errorf("%s: %v; give 0 or more", n.name, n.value))
		}
	}
	if err := scorer.CheckDollars(c.MaxCost); err != nil {
		faults = append(faults, fmt.Errorf("LLM_MAX_COST: %w", err))
	}
	if !(c.Temperature >= 0) && c.Temperature != noTemperature || math.IsInf(c.Temperature, 0) {
		faults = append(faults, fmt.Errorf("LLM_TEMPERATURE: %v; give 0 or more, or %d to leave it to the model",
			c.Temperature, noTemperature))
	}
	prices, err := parsePrices(c.Prices)
	if err != nil {
		faults = append(faults, fmt.Errorf("LLM_PRICES: %w", err))
	} else if _, known := prices[c.Model]; c.MaxCost > 0 && c.Model != "" && !known {
		faults = append(faults, fmt.Errorf("LLM_MAX_COST: the price of %s is not known: "+
			"add it to LLM_PRICES as %s=input/output, in dollars per million tokens", c.Model, c.Model))
	}
	return errors.Join(faults...)
}

// baseURL checks and completes the URL of an API.
func baseURL(s string) (string, error) {
	u, err := url.Parse(s)
	// The error does not quote a text that may hold a secret.
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("it is not a URL, or has a user, a query or a fragment: give one such as " +
			"https://api.openai.com/v1, and the key in LLM_API_KEY")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("%q is not the URL of an API: give one such as https://api.openai.com/v1", s)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = "/v1"
	}
	return u.String(), nil
}

// A price is in US dollars per million tokens.
type price struct{ input, output, cached float64 }

func (p price) of(u Usage) float64 {
	return (float64(u.InputTokens-u.CachedTokens)*p.input + float64(u.CachedTokens)*p.cached +
		float64(u.OutputTokens)*p.output) / 1e6
}

func parsePrices(table string) (map[string]price, error) {
	prices := map[string]price{}
	for row := range strings.SplitSeq(table, ",") {
		row = strings.TrimSpace(row)
		if row == "" {
			continue
		}
		at := strings.LastIndex(row, "=") // a model's name may contain = too
		p, err := parsePrice(row[at+1:])
		if at < 1 || err != nil {
			return nil, fmt.Errorf("%q is not a price: give model=input/output or model=input/output/cached, "+
				"in dollars per million tokens, such as gpt-4o=2.50/10", row)
		}
		model := strings.TrimSpace(row[:at])
		if _, twice := prices[model]; twice {
			return nil, fmt.Errorf("%q: the model %s has a price already", row, model)
		}
		prices[model] = p
	}
	return prices, nil
}

// parsePrice reads input/output or input/output/cached.
func parsePrice(text string) (price, error) {
	fields := strings.Split(text, "/")
	if len(fields) != 2 && len(fields) != 3 {
		return price{}, errors.New("give two or three prices")
	}
	var dollars []float64
	for _, field := range fields {
		d, err := scorer.ParseDollars(field)
		if err != nil {
			return price{}, err
		}
		dollars = append(dollars, d)
	}
	if len(dollars) == 2 {
		dollars = append(dollars, dollars[0])
	}
	return price{input: dollars[0], output: dollars[1], cached: dollars[2]}, nil
}
