package llm

import (
	"encoding/json"
	"math"
	"strings"
)

// A candidate is a possible token at a place of an answer.
type candidate struct {
	Token string `json:"token"`
	Bytes []byte `json:"bytes"` // the token's bytes, which may be a part of a character; nil if the server gives none
	// Logprob is nil for a probability of 0.
	Logprob *float64 `json:"logprob"`
}

func (c candidate) text() string {
	if c.Bytes != nil {
		return string(c.Bytes)
	}
	return c.Token
}

func (c candidate) probability() float64 {
	if c.Logprob == nil {
		return 0
	}
	return math.Exp(min(*c.Logprob, 0))
}

// An answerToken is a token of an answer, with the server's list of the likeliest tokens at its place.
type answerToken struct {
	candidate
	Top []candidate `json:"top_logprobs"`
}

// listed returns the tokens whose probability at this place is known.
func (t answerToken) listed() []candidate {
	for _, c := range t.Top {
		if c.text() == t.text() {
			return t.Top
		}
	}
	return append(t.Top[:len(t.Top):len(t.Top)], t.candidate)
}

// likeliest returns the likeliest token at this place.
func (t answerToken) likeliest() candidate {
	best := t.candidate
	for _, c := range t.Top {
		if c.probability() > best.probability() {
			best = c
		}
	}
	return best
}

// A report has the parts of an answer that langchaingo does not return.
type report struct {
	Choices []struct {
		Logprobs struct {
			Content []answerToken `json:"content"`
		} `json:"logprobs"`
		Message struct {
			Reasoning string `json:"reasoning_content"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		Details struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
}

// readReport reads the report of an answer. It is empty if the answer is not JSON; langchaingo then returns an error.
func readReport(body []byte) report {
	var r report
	if err := json.Unmarshal(body, &r); err != nil {
		return report{}
	}
	return r
}

// tokens returns the tokens of the first choice; nil if the server gives no probabilities.
func (r report) tokens() []answerToken {
	if len(r.Choices) == 0 {
		return nil
	}
	return r.Choices[0].Logprobs.Content
}

// reasoning returns the model's reasoning before its answer; empty if the server does not give it.
func (r report) reasoning() string {
	if len(r.Choices) == 0 {
		return ""
	}
	return r.Choices[0].Message.Reasoning
}

// tokenAt returns the token that contains the byte at an offset of the answer's text, and the token's text before that
// byte. The tokens may be longer than the answer, because servers remove the model's reasoning from the answer.
func tokenAt(tokens []answerToken, answer string, offset int) (token answerToken, before string, found bool) {
	var all strings.Builder
	for _, t := range tokens {
		all.WriteString(t.text())
	}
	start := strings.LastIndex(all.String(), answer)
	if start < 0 {
		return answerToken{}, "", false
	}
	at := start + offset
	for _, t := range tokens {
		text := t.text()
		if at < len(text) {
			return t, text[:at], true
		}
		at -= len(text)
	}
	return answerToken{}, "", false
}
