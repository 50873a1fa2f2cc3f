package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"
)

const (
	// maxAnswer bounds the body of an answer; what it says is bounded by Config.MaxTokens.
	maxAnswer = 8 << 20
	// grace is what a request is given when its delivery ends: less than a stopping process waits for its deliveries.
	grace = 5 * time.Second
	// maxRefusal bounds how much of a refusal is quoted.
	maxRefusal = 300
)

// Usage is what a request used, as the server counts it.
type Usage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

func (u Usage) add(v Usage) Usage {
	return Usage{InputTokens: u.InputTokens + v.InputTokens, OutputTokens: u.OutputTokens + v.OutputTokens}
}

// A reply is what the model says to one request.
type reply struct {
	text   string
	finish string // why it ended: "stop", "length", "content_filter" or another word of the server
	usage  Usage
}

// A client makes single requests of the API. It neither waits nor tries again.
type client struct {
	base string
	Config
	model *openai.LLM
}

func newClient(c Config, transport http.RoundTripper) (*client, error) {
	base, err := baseURL(c.URL)
	if err != nil {
		return nil, err
	}
	// The key is added where the request leaves: the library gets a word in its place. What it would read from
	// the environment is all set here.
	const placeholder = "none"
	model, err := openai.New(openai.WithBaseURL(base), openai.WithModel(c.Model), openai.WithToken(placeholder),
		openai.WithOrganization(""), openai.WithHTTPClient(door{key: c.APIKey, http: &http.Client{Transport: transport}}))
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", base, err)
	}
	return &client{base: base, Config: c, model: model}, nil
}

// ask makes one request. Its error is a laterError, a brokenError, a refusedError, a *scorer.StopError, or
// that of a context that ended.
func (c *client) ask(ctx context.Context, asked []llms.MessageContent, format json.RawMessage) (reply, error) {
	// A request that has begun is paid for: it may end even though its delivery is over.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })()
	passed := &passage{format: format}
	response, err := c.model.GenerateContent(context.WithValue(within, passageKey{}, passed), asked,
		llms.WithMaxTokens(c.MaxTokens), llms.WithTemperature(c.Temperature))
	switch {
	case err != nil && ctx.Err() != nil:
		return reply{}, fmt.Errorf("asking %s: %w", c.base, context.Cause(ctx))
	case passed.err != nil && within.Err() != nil:
		return reply{}, brokenError{fmt.Errorf("%s did not answer within %v", c.base, c.Timeout)}
	case passed.err != nil && notReached(passed.err):
		return reply{}, laterError{error: fmt.Errorf("%s is not reached: %w", c.base, passed.err)}
	case passed.err != nil:
		return reply{}, brokenError{fmt.Errorf("%s did not answer: %w", c.base, passed.err)}
	case passed.status != http.StatusOK && passed.status != 0:
		return reply{}, c.refused(passed)
	case err != nil:
		return reply{}, brokenError{fmt.Errorf("%s answers what is no answer: %w", c.base, err)}
	}
	choice := response.Choices[0]
	count := func(name string) int { n, _ := choice.GenerationInfo[name].(int); return n }
	return reply{
		text: choice.Content, finish: choice.StopReason,
		usage: Usage{InputTokens: count("PromptTokens"), OutputTokens: count("CompletionTokens")},
	}, nil
}

// notReached tells whether a request failed before the server had any of it.
func notReached(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// A passage is what the door noted of one request: langchaingo keeps neither status nor headers.
type passage struct {
	format json.RawMessage // the response_format to ask for, if any
	err    error           // why there was no whole answer
	status int
	header http.Header
	body   []byte // of a refusal
}

type passageKey struct{}

// A door is where requests leave and answers come in.
type door struct {
	key  string
	http *http.Client
}

// Do adds to a request what langchaingo cannot say, and reads its answer to the end.
func (d door) Do(req *http.Request) (*http.Response, error) {
	passed, ok := req.Context().Value(passageKey{}).(*passage)
	if !ok {
		return nil, errors.New("a request without a passage")
	}
	if err := d.complete(req, passed.format); err != nil {
		passed.err = err
		return nil, err
	}
	resp, err := d.http.Do(req)
	if err != nil {
		passed.err = err
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		passed.err = err
		return nil, err
	}
	passed.status, passed.header = resp.StatusCode, resp.Header
	if resp.StatusCode != http.StatusOK {
		passed.body = body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// complete sets the key and the format.
func (d door) complete(req *http.Request, format json.RawMessage) error {
	req.Header.Del("Authorization")
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	// At the end of the object: the images in it are long and need not be read.
	data = bytes.TrimSuffix(bytes.TrimSpace(data), []byte("}"))
	// The library sends a temperature always, as the last field.
	data = bytes.TrimSuffix(data, fmt.Appendf(nil, `,"temperature":%d`, noTemperature))
	if format != nil {
		data = append(append(data, `,"response_format":`...), format...)
	}
	data = append(data, '}')
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
	return nil
}

// refused tells what a status other than 200 means.
func (c *client) refused(p *passage) error {
	detail, code := c.explain(p.body)
	err := fmt.Errorf("%s answered %d %s: %q", c.base, p.status, http.StatusText(p.status), detail)
	switch {
	case p.status == http.StatusTooManyRequests && code == "insufficient_quota":
		return stop("%v: the account has no credit left; add some", err)
	case p.status == http.StatusTooManyRequests, p.status == http.StatusServiceUnavailable, p.status == statusOverloaded:
		return laterError{error: err, after: retryAfter(p.header)}
	case p.status == http.StatusUnauthorized:
		return stop("%v: the key is refused; set LLM_API_KEY", err)
	case p.status == http.StatusPaymentRequired:
		return stop("%v: the account must be paid; do so", err)
	case p.status == http.StatusNotFound, p.status == http.StatusMethodNotAllowed:
		return stop("%v: there is no model %q, or no API, at that address; mend LLM_MODEL or LLM_URL (--model, --scorer)", err, c.Model)
	case p.status == http.StatusRequestTimeout, p.status == http.StatusConflict, p.status == http.StatusTooEarly, p.status >= 500:
		return brokenError{err}
	default:
		return refusedError{error: err, detail: detail}
	}
}

// statusOverloaded is what some servers say in place of 503.
const statusOverloaded = 529

// explain finds the server's own words in a refusal. A server may quote the key: it is taken out.
func (c *client) explain(body []byte) (detail, code string) {
	var refusal struct {
		Error json.RawMessage `json:"error"`
	}
	var inner struct {
		Message string `json:"message"`
		Code    any    `json:"code"`
	}
	detail = strings.TrimSpace(string(body))
	if json.Unmarshal(body, &refusal) == nil && json.Unmarshal(refusal.Error, &inner) == nil && inner.Message != "" {
		detail = inner.Message
		code, _ = inner.Code.(string) // some have a number there
	}
	if c.APIKey != "" {
		detail = strings.ReplaceAll(detail, c.APIKey, "[the key]")
	}
	detail = strings.ToValidUTF8(detail[:min(len(detail), maxRefusal)], "")
	return detail, code
}

// retryAfter reads the header of that name: seconds, which some servers give as a fraction, or a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}
