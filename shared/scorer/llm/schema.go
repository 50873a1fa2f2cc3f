package llm

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// maxReason is the longest reason that is asked for, in characters.
const maxReason = 200

// formats are the response_format of requests, the most exact first; the last is none. Servers differ in
// what they take: one that refuses a format gets the next.
func formats(r *rubric.Rubric) ([]json.RawMessage, error) {
	bounded, err := schema(r, true)
	if err != nil {
		return nil, err
	}
	plain, err := schema(r, false)
	if err != nil {
		return nil, err
	}
	return []json.RawMessage{bounded, plain, nil}, nil
}

// schema is the JSON schema of an answer, as response_format. It is written out here because the order of its
// properties counts: models answer in it, and should reason before they rate. Bounds of lengths are
// what some servers need to come to an end, and others refuse.
func schema(r *rubric.Rubric, bounded bool) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteString(`{"type":"json_schema","json_schema":{"name":"rating","strict":true,"schema":{"type":"object",` +
		`"additionalProperties":false,"required":["reason","ratings","styles"],"properties":{"reason":{"type":"string"`)
	if bounded {
		fmt.Fprintf(&b, `,"minLength":1,"maxLength":%d`, maxReason)
	}
	capabilities, err := json.Marshal(r.Capabilities)
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	fmt.Fprintf(&b, `},"ratings":{"type":"object","additionalProperties":false,"required":%s,"properties":{`, capabilities)
	for i, c := range r.Capabilities {
		name, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("encoding the schema: %w", err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%s:{"type":"integer","enum":[`, name)
		for rating := range scorer.MaxRating {
			fmt.Fprintf(&b, "%d,", rating)
		}
		fmt.Fprintf(&b, "%d]}", scorer.MaxRating)
	}
	styles, err := json.Marshal(r.Styles)
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	fmt.Fprintf(&b, `}},"styles":{"type":"array","items":{"type":"string","enum":%s}`, styles)
	if bounded {
		fmt.Fprintf(&b, `,"minItems":1,"maxItems":%d`, len(r.Styles))
	}
	b.WriteString(`}}}}}`)
	if !json.Valid(b.Bytes()) {
		return nil, fmt.Errorf("the schema of rubric %q is no JSON", r.Name)
	}
	return b.Bytes(), nil
}
