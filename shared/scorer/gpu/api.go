package gpu

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
)

// A query is a question to one model. Its answer has the probabilities of Choices, or a text of at most MaxTokens
// tokens.
type query struct {
	Model     string   `json:"model"`
	Text      string   `json:"text"`
	Choices   []string `json:"choices,omitempty"`
	MaxTokens int      `json:"max_tokens,omitempty"`
}

// An item is a sample in the sidecar's protocol. A prompt is the prefix, with the images in their places, followed by a
// query.
type item struct {
	Images  [][]byte        `json:"images,omitempty"`
	Prefix  prefix          `json:"prefix"`
	Queries json.RawMessage `json:"queries"`
}

// size returns the size of the item in a request, in bytes, with a comma.
func (i item) size() (int, error) {
	text, err := encode(item{Prefix: i.Prefix, Queries: i.Queries})
	if err != nil {
		return 0, err
	}
	n := len(text) + len(`"images":[],,`)
	for _, img := range i.Images {
		n += base64.StdEncoding.EncodedLen(len(img)) + len(`"",`)
	}
	return n, nil
}

type request struct {
	Items []item `json:"items"`
}

// envelope is the number of bytes of a request without items.
const envelope = len(`{"items":[]}`)

type response struct {
	Models map[string]string `json:"models"`
	Items  []outcome         `json:"items"`
}

// stopped reports whether the sidecar stopped before it had any answer.
func (r response) stopped() bool {
	for _, o := range r.Items {
		if o.Error == nil || o.Error.Code != stopping {
			return false
		}
	}
	return len(r.Items) > 0
}

// An outcome is one item's answers, in the order of its queries, or its error.
type outcome struct {
	Answers []answer  `json:"answers"`
	Flags   []string  `json:"flags"`
	Error   *apiError `json:"error"`
}

// An apiError is an error of an item or of a request, as the sidecar reports it.
type apiError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// An answer to a query with choices has Logprobs, Mass and Argmax. An answer in text has Text and Truncated.
type answer struct {
	Logprobs  []float64 `json:"logprobs"`
	Mass      *float64  `json:"mass"`
	Argmax    *string   `json:"argmax"`
	Text      *string   `json:"text"`
	Truncated bool      `json:"truncated"`
}

// limits are the limits of `GET /v1/limits` that concern this client.
type limits struct {
	Items   int `json:"items"`
	Batch   int `json:"batch"` // preferred number of items in a request; 0 if the sidecar states no number
	Bytes   int `json:"bytes"`
	Queries int `json:"queries"`

	// InFlight is the number of concurrent requests that a sidecar prefers from a client; 0 if it states no number. Each
	// sidecar has its own number.
	InFlight int `json:"in_flight"`
}

// batch returns the preferred number of items in a request.
func (l limits) batch() int { return min(cmp.Or(max(l.Batch, 0), batchItems), l.Items) }

// least returns, for each limit, the stricter of two values.
func (l limits) least(other limits) limits {
	return limits{
		Items: min(l.Items, other.Items), Batch: min(l.batch(), other.batch()),
		Bytes: min(l.Bytes, other.Bytes), Queries: min(l.Queries, other.Queries),
	}
}

// protocol is the version of the sidecar's protocol that this package uses (sidecar/README.md, "API").
const protocol = 2

// models is the answer to `GET /v1/models`.
type models struct {
	Protocol int               `json:"protocol"` // 0 for a sidecar with version 1, whose answers lack the field
	Models   map[string]string `json:"models"`
}

const (
	// partial is a request header. The client sends it to accept an answer with only the finished items if the sidecar
	// stops.
	partial = "Harvest-Partial"
	// stopping is the code of the unfinished items in such an answer.
	stopping = "stopping"
)

type refusal struct {
	Error apiError `json:"error"`
}

// tolerance is the largest error of a sum of probabilities, which the sidecar computes in single precision.
const tolerance = 1e-2

// check returns an error if an outcome does not match the queries. So an invalid answer does not become a rating.
func (o outcome) check(queries []query) error {
	if o.Error != nil {
		if o.Error.Code == "" {
			return fmt.Errorf("the error has no code")
		}
		return nil
	}
	if len(o.Answers) != len(queries) {
		return fmt.Errorf("%d answers to %d queries", len(o.Answers), len(queries))
	}
	for i, q := range queries {
		a := o.Answers[i]
		if q.Choices == nil {
			if a.Text == nil {
				return fmt.Errorf("answer %d has no text", i)
			}
			continue
		}
		if len(a.Logprobs) != len(q.Choices) || a.Mass == nil || a.Argmax == nil {
			return fmt.Errorf("answer %d lacks its mass, its argmax or some of %d probabilities", i, len(q.Choices))
		}
		sum := 0.0
		for _, l := range a.Logprobs {
			sum += math.Exp(l)
		}
		if !(sum >= 0 && sum <= 1+tolerance) || math.Abs(sum-*a.Mass) > tolerance {
			return fmt.Errorf("answer %d has probabilities with the sum %v, but its mass is %v", i, sum, *a.Mass)
		}
	}
	return nil
}

// encode returns v as JSON. It does not escape <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a request: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
