package llm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"

	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// grace is the time for which a request may continue after its delivery ends. A stopping process waits longer than this
// for its deliveries.
const grace = 5 * time.Second

// Usage has the numbers of tokens of a request, as the server counts them.
type Usage struct {
	InputTokens int `json:"input_tokens"`
	// CachedTokens is the number of input tokens that the server read from its cache.
	CachedTokens int `json:"cached_tokens,omitempty"`
	OutputTokens int `json:"output_tokens"`
}

func (u Usage) add(v Usage) Usage {
	return Usage{
		InputTokens: u.InputTokens + v.InputTokens, CachedTokens: u.CachedTokens + v.CachedTokens,
		OutputTokens: u.OutputTokens + v.OutputTokens,
	}
}

// A reply is the model's answer to one request.
type reply struct {
	text   string
	finish string // why the answer ended: "stop", "length", "content_filter" or another word of the server
	usage  Usage
	// tokens has the tokens of the answer, if the server gives probabilities. thought is the model's reasoning before the
	// answer.
	tokens  []answerToken
	thought string
}

// A client makes single requests to the API. It neither waits nor retries.
type client struct {
	base string
	Config
	http  transport
	model *openai.LLM
}

func newClient(c Config, inner http.RoundTripper) (*client, error) {
	base, err := baseURL(c.URL)
	if err != nil {
		return nil, err
	}
	// The transport adds the key, so the library gets a placeholder. Set everything that the library would otherwise read
	// from the environment.
	const placeholder = "none"
	through := transport{key: c.APIKey, http: &http.Client{Transport: inner}}
	model, err := openai.New(openai.WithBaseURL(base), openai.WithModel(c.Model), openai.WithToken(placeholder),
		openai.WithOrganization(""),
		openai.WithHTTPClient(through))
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", base, err)
	}
	return &client{base: base, Config: c, http: through, model: model}, nil
}

// send makes one request. The error is a remote.LaterError, a remote.BrokenError, a refusedError, a *scorer.StopError,
// or the error of a context that ended.
func (c *client) send(ctx context.Context, p *prompt, added fields) (reply, error) {
	// A request that has begun must be paid, so it may continue after its delivery has ended.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	record := &exchangeRecord{fields: added, images: p.images}
	response, err := c.model.GenerateContent(context.WithValue(within, recordKey{}, record), p.messages,
		llms.WithMaxTokens(cmp.Or(p.maxTokens, c.MaxTokens)), llms.WithTemperature(c.Temperature))
	switch {
	case err != nil && ctx.Err() != nil:
		return reply{}, fmt.Errorf("calling %s: %w", c.base, context.Cause(ctx))
	case record.err != nil && within.Err() != nil:
		return reply{}, remote.BrokenError{Err: fmt.Errorf("%s did not answer within %v", c.base, c.Timeout)}
	case record.err != nil:
		return reply{}, remote.TransportError(c.base, record.err)
	case record.status != http.StatusOK && record.status != 0:
		return reply{}, c.refused(record)
	case err != nil:
		return reply{}, remote.BrokenError{Err: fmt.Errorf("%s sends an invalid answer: %w", c.base, err)}
	}
	choice := response.Choices[0]
	count := func(name string) int { n, _ := choice.GenerationInfo[name].(int); return n }
	return reply{
		text: choice.Content, finish: choice.StopReason,
		usage: Usage{
			InputTokens: count("PromptTokens"), CachedTokens: record.report.Usage.Details.Cached,
			OutputTokens: count("CompletionTokens"),
		},
		tokens: record.report.tokens(), thought: record.report.reasoning(),
	}, nil
}

// refused returns the error of an answer with a status other than 200.
func (c *client) refused(r *exchangeRecord) error {
	detail, code := c.explain(r.body)
	err := fmt.Errorf("%s answered %d %s: %q", c.base, r.status, http.StatusText(r.status), detail)
	switch {
	case r.status == http.StatusTooManyRequests && code == "insufficient_quota":
		return stopError("%v: the account has no credit left; add credit", err)
	case r.status == http.StatusUnauthorized:
		return stopError("%v: the key is refused; set LLM_API_KEY", err)
	case r.status == http.StatusPaymentRequired:
		return stopError("%v: pay for the account", err)
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed:
		return stopError("%v: there is no model %q, or no API, at this URL; "+
			"fix LLM_MODEL or LLM_URL (--model, --scorer)", err, c.Model)
	}
	return remote.StatusError(r.status, r.header, refusedError{error: err, detail: detail})
}

// explain returns the server's message and error code. It removes the key, because a server may quote the key.
func (c *client) explain(body []byte) (detail, code string) {
	var refusal struct {
		Error json.RawMessage `json:"error"`
	}
	var inner struct {
		Message string `json:"message"`
		Code    any    `json:"code"`
	}
	detail = string(body)
	if json.Unmarshal(body, &refusal) == nil && json.Unmarshal(refusal.Error, &inner) == nil && inner.Message != "" {
		detail = inner.Message
		code, _ = inner.Code.(string) // some servers have a number there
	}
	if c.APIKey != "" {
		detail = strings.ReplaceAll(detail, c.APIKey, "[the key]")
	}
	return remote.Quote(detail), code
}

// isRefused reports whether an error is a refusedError.
func isRefused(err error) bool {
	_, refused := errors.AsType[refusedError](err)
	return refused
}
