package llm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// digitAnswer is the answer of a server that rates. thoughtAnswer is the answer of a server that thinks first.
var (
	digitAnswer   = []answerToken{token("3", map[string]float64{"3": 0.75, "4": 0.125, "x": 0})}
	thoughtAnswer = []answerToken{token("<think>", map[string]float64{"<think>": 0.875, "3": 0.125}), token("\n", nil)}
)

// probeTests are answers of servers.
var probeTests = map[string]struct {
	answer   func(asked) said
	requests int
	says     []string // parts of the error; nil if the server is accepted
}{
	"good": {func(asked) said { return said{text: "3", tokens: digitAnswer} }, 1, nil},
	"no logprobs": {
		func(asked) said { return said{text: "3"} }, 1, []string{"gives no logprobs", "use --llm-mode json (LLM_MODE)"},
	},
	"refuses logprobs": {
		func(asked) said { return said{status: 400, body: `{"error": {"message": "logprobs is not allowed"}}`} }, 1,
		[]string{"logprobs is not allowed", "use --llm-mode json"},
	},
	"two tokens": {
		func(asked) said {
			return said{text: " 3", tokens: []answerToken{token(" ", nil), token("3", nil)}}
		}, 1, []string{`its digits are two tokens, " " and "3"`},
	},
	"little mass": {
		func(asked) said {
			return said{text: "The", tokens: []answerToken{token("The", map[string]float64{"The": 0.5, "3": 0.25, "I": 0.25})}}
		}, 1, []string{"have a total probability of 0.25", `"The" (0.50)`, `"3" (0.25)`},
	},
	"thinks": {
		func(asked) said { return said{text: "", tokens: thoughtAnswer} }, 2,
		[]string{"thinks before it answers", `"<think>" (0.88)`},
	},
	"thinks unless the template forbids it": {
		func(a asked) said {
			if think, given := a.Template["enable_thinking"]; given && !think {
				return said{text: "3", tokens: digitAnswer}
			}
			return said{tokens: thoughtAnswer}
		}, 2, nil,
	},
}

// A server that cannot give single digits is refused, and the error quotes its answer. This takes one or two requests,
// and none for each sample.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, tt := range probeTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(a asked) said {
				if !a.trial && contains(a, "one JSON object") {
					return said{text: `{"reason": "", "styles": ["tweet"]}`}
				}
				return tt.answer(a)
			})
			s := open(t, logprobsConfig(f), Options{})
			err := s.Probe(t.Context())
			stop, stops := errors.AsType[*scorer.StopError](err)
			if n := len(f.requests()); n != tt.requests || stops != (tt.says != nil) || !stops && err != nil {
				t.Fatalf("error %v after %d requests, want %d", err, n, tt.requests)
			}
			for _, text := range tt.says {
				if !strings.Contains(stop.Reason, text) {
					t.Errorf("%q is not in: %s", text, stop.Reason)
				}
			}
			if tt.says == nil {
				if rated(t, s, samples(3)...); len(f.requests()) != tt.requests+9 {
					t.Errorf("%d requests for 3 samples", len(f.requests())-tt.requests)
				}
			}
		})
	}
	f := newFake(t, validly)
	if err := open(t, config(f), Options{}).Probe(t.Context()); err != nil || len(f.requests()) != 0 {
		t.Errorf("error %v after %d requests in the mode json", err, len(f.requests()))
	}
}

// The token ids of the digits are sent only to a server whose answer to a probe has used them.
func TestTokenIDs(t *testing.T) {
	t.Parallel()
	short := map[string]float64{"3": 0.75, "4": 0.125}
	whole := map[string]float64{"0": 0.01, "1": 0.01, "2": 0.01, "3": 0.75, "4": 0.125, "5": 0.01}
	for name, tt := range map[string]struct {
		honoured, tokenizes bool
		requests            int
	}{"honoured": {true, true, 2}, "ignored": {false, true, 2}, "no tokenizer": {true, false, 1}} {
		f := newFake(t, func(a asked) said {
			if a.IDs != nil && tt.honoured {
				return said{text: "3", tokens: []answerToken{token("3", whole)}}
			}
			return said{text: "3", tokens: []answerToken{token("3", short)}}
		})
		f.aside = func(path string, body []byte) string {
			if path != "/tokenize" || !tt.tokenizes {
				return `{"tokens": []}`
			}
			_, digit, _ := strings.Cut(string(body), `"prompt":"`)
			return fmt.Sprintf(`{"tokens": [%d]}`, digit[0])
		}
		s := open(t, logprobsConfig(f), Options{})
		if err := s.Probe(t.Context()); err != nil || len(f.requests()) != tt.requests {
			t.Errorf("%s: error %v after %d requests", name, err, len(f.requests()))
		}
		sent := strings.Contains(string(s.probe.added), `"logprob_token_ids":[48,49,50,51,52,53]`)
		if sent != (tt.honoured && tt.tokenizes) || sent != s.probe.byID {
			t.Errorf("%s: questions are asked with %s", name, s.probe.added)
		}
	}
}
