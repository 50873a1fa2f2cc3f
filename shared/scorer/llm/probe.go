package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	// probeTokens is the largest length of the answer to a probe. It is large enough to show why the first token is not a
	// digit.
	probeTokens = 8
	// maxSeen is the largest number of tokens that an error names.
	maxSeen = 5
	// sideTimeout is the time limit of requests about the server itself, which many servers do not support.
	sideTimeout = 10 * time.Second
)

// noThinking turns off the model's reasoning in the chat templates of several open models.
const noThinking = fields(`,"chat_template_kwargs":{"enable_thinking":false}`)

// thinking matches the beginning of a model's reasoning.
var thinking = regexp.MustCompile(`(?i)think|reason|<\|channel|<seed`)

// A probeResult describes how to request single tokens from the model.
type probeResult struct {
	added fields // fields to add to each request
	byID  bool   // whether the server lists exactly the requested tokens, not the likeliest tokens
	// samples limits the samples in flight to the number of slots of the server.
	samples *semaphore.Weighted
}

// Probe checks that the model can be queried in the scorer's mode. In the mode json it makes no request. In the mode
// logprobs it makes one request, or more if the model reasons before it answers or if digits are not listed. The error
// is transient, or a *scorer.StopError that quotes the answer.
func (s *Scorer) Probe(ctx context.Context) error {
	if s.mode != scorer.ModeLogprobs {
		return nil
	}
	_, err := s.probed(ctx, &prompt{tokens: s.inputTokens(0, 0)})
	return err
}

// probed returns the result of the endpoint's probe, which is made once. The probe's usage is added to the prompt.
func (s *Scorer) probed(ctx context.Context, p *prompt) (*probeResult, error) {
	known := func() *probeResult {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.probe
	}
	found, err, _ := s.inFlight.Do("probe", func() (any, error) {
		if found := known(); found != nil {
			return found, nil
		}
		found, err := s.makeProbe(ctx, p)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.probe = found
		return found, nil
	})
	if err != nil {
		return nil, err
	}
	result, _ := found.(*probeResult)
	return result, nil
}

// makeProbe requests the rating of a harmless sample in several ways, until an answer is a digit.
func (s *Scorer) makeProbe(ctx context.Context, p *prompt) (*probeResult, error) {
	found := &probeResult{added: askedLogprobs}
	answered, err := s.tryQuestion(ctx, p, found.added)
	if err != nil {
		return nil, err
	}
	if thinks(answered) {
		without, err := s.tryQuestion(ctx, p, found.added+noThinking)
		if err == nil && !thinks(without) {
			answered, found.added = without, found.added+noThinking
		} else if err != nil && !scorerStops(err) {
			return nil, err
		}
	}
	if d := firstDigits(answered); d != nil && d.Unlisted > maxUnlisted {
		if answered, err = s.tryTokenIDs(ctx, p, answered, found); err != nil {
			return nil, err
		}
	}
	if why := unusable(answered); why != "" {
		return nil, stopError("%s at %s cannot answer with single digits: %s; use --llm-mode json (LLM_MODE)",
			s.Model, s.base, why)
	}
	found.samples = semaphore.NewWeighted(int64(s.slots(ctx)))
	return found, nil
}

func scorerStops(err error) bool {
	_, stops := errors.AsType[*scorer.StopError](err)
	return stops
}

// tryQuestion requests the rating of one capability of a harmless sample.
func (s *Scorer) tryQuestion(ctx context.Context, p *prompt, added fields) (reply, error) {
	shown, err := newConversation(harmlessSample())
	if err != nil {
		return reply{}, err
	}
	trial := prompt{
		messages: questionMessages(s.system, shown, 0, capabilityQuestion(s.rubric.Capabilities[0])),
		tokens:   s.inputTokens(len(shown.lines), 0), formats: []fields{added}, maxTokens: probeTokens,
		refusals: &s.questions,
	}
	answered, err := s.request(ctx, &trial, 0, false, maxBroken)
	p.used = p.used.add(trial.used)
	if refused, ok := errors.AsType[refusedError](err); ok {
		return reply{}, stopError("%v: the server refuses logprobs; use --llm-mode json (LLM_MODE)", refused.error)
	}
	return answered, err
}

// harmlessSample returns a fixed sample that every model can rate.
func harmlessSample() *dataset.Sample {
	return &dataset.Sample{Turns: []dataset.Turn{
		dataset.NewTurn(dataset.Human, "What colour is the square?", 0),
		dataset.NewTurn(dataset.Model, "It is grey.", 0),
	}}
}

// firstDigits returns the distribution of ratings at the first token of an answer; nil if the server gives no
// probabilities.
func firstDigits(answered reply) *Digits {
	if len(answered.tokens) == 0 || len(answered.tokens[0].Top) == 0 {
		return nil
	}
	d := newDigits(answered.tokens[0], reading{whole: true})
	return &d
}

// thinks reports whether an answer begins with the model's reasoning.
func thinks(answered reply) bool {
	return answered.thought != "" ||
		len(answered.tokens) > 0 && thinking.MatchString(answered.tokens[0].text())
}

// unusable returns the reason why the first token of an answer cannot be used as a rating; empty if the token can be
// used.
func unusable(answered reply) string {
	d := firstDigits(answered)
	switch {
	case thinks(answered):
		return fmt.Sprintf("it thinks before it answers, even with enable_thinking:false; its likeliest first tokens are %s",
			seen(answered))
	case d == nil:
		return "the server gives no logprobs"
	case d.mass() >= scorer.MinMass && !d.Other:
		return ""
	}
	first := answered.tokens[0].text()
	if strings.Trim(first, blanks) == "" && len(answered.tokens) > 1 {
		second := answered.tokens[1]
		if _, digit := digitIn(second.text(), reading{}); digit {
			return fmt.Sprintf("its digits are two tokens, %q and %q", first, second.text())
		}
	}
	return fmt.Sprintf("the digits 0 to %d have a total probability of %.2f at the first token, but should have %v; "+
		"the likeliest tokens are %s", scorer.MaxRating, d.mass(), scorer.MinMass, seen(answered))
}

// seen returns a list of the likeliest first tokens of an answer, with their probabilities.
func seen(answered reply) string {
	if len(answered.tokens) == 0 {
		return "not known"
	}
	top := slices.Clone(answered.tokens[0].listed())
	slices.SortStableFunc(top, func(a, b candidate) int {
		switch pa, pb := a.probability(), b.probability(); {
		case pa > pb:
			return -1
		case pa < pb:
			return 1
		}
		return 0
	})
	var names []string
	for _, c := range top[:min(len(top), maxSeen)] {
		names = append(names, fmt.Sprintf("%.40q (%.2f)", c.text(), c.probability()))
	}
	return strings.Join(names, ", ")
}

// tryTokenIDs requests the probabilities of the digits by token id, even if they are improbable. Some servers ignore
// this field of the request, so it is used only if the answer lists all digits.
func (s *Scorer) tryTokenIDs(ctx context.Context, p *prompt, before reply, found *probeResult) (reply, error) {
	ids := s.digitIDs(ctx)
	if ids == nil {
		return before, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return reply{}, fmt.Errorf("encoding the ids of digits: %w", err)
	}
	added := found.added + fields(`,"logprob_token_ids":`) + fields(list)
	answered, err := s.tryQuestion(ctx, p, added)
	if scorerStops(err) {
		return before, nil
	} else if err != nil {
		return reply{}, err
	}
	listed := map[int]bool{}
	if len(answered.tokens) > 0 {
		for _, c := range answered.tokens[0].Top {
			if digit, ok := digitIn(c.text(), reading{whole: true}); ok {
				listed[digit] = true
			}
		}
	}
	if len(listed) <= scorer.MaxRating {
		return before, nil
	}
	found.added, found.byID = added, true
	return answered, nil
}

// digitIDs returns the token ids of the digits, from vLLM. It returns nil if a digit is several tokens, or if the
// server does not give the ids.
func (s *Scorer) digitIDs(ctx context.Context) []int {
	var ids []int
	for digit := range scorer.MaxRating + 1 {
		body, err := json.Marshal(map[string]any{
			"model": s.Model, "prompt": fmt.Sprint(digit), "add_special_tokens": false,
		})
		if err != nil {
			return nil
		}
		var answered struct {
			Tokens []int `json:"tokens"`
		}
		if !s.aside(ctx, http.MethodPost, "/tokenize", body, &answered) || len(answered.Tokens) != 1 {
			return nil
		}
		ids = append(ids, answered.Tokens[0])
	}
	return ids
}

// slots returns the number of samples that may be in flight: LLM_CONCURRENCY, or the number of slots of a llama-server
// if it is lower.
func (s *Scorer) slots(ctx context.Context) int {
	var answered struct {
		Slots int `json:"total_slots"`
	}
	if s.aside(ctx, http.MethodGet, "/props", nil, &answered) && answered.Slots > 0 {
		return min(answered.Slots, s.Concurrency)
	}
	return s.Concurrency
}

// aside makes a request outside the API, and decodes its answer. It reports whether the answer was JSON.
func (c *client) aside(ctx context.Context, method, path string, body []byte, answered any) bool {
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/v1")+path, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	c.http.authorize(req)
	resp, err := c.http.http.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return err == nil && resp.StatusCode == http.StatusOK && json.Unmarshal(data, answered) == nil
}
