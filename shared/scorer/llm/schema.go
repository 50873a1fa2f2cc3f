package llm

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// maxReason is the longest reason that the schema allows, in characters.
const maxReason = 200

// fields are fields of a request's JSON that langchaingo does not set, with a comma before each.
type fields string

// askedLogprobs requests the probabilities of tokens.
var askedLogprobs = fields(fmt.Sprintf(`,"logprobs":true,"top_logprobs":%d`, topLogprobs))

// formats returns the formats of requests, the strictest first. Each has a response_format, except the last. With
// logprobs, each format is listed twice: with the probabilities of tokens, and without. If a server refuses a format,
// the next format is used.
func formats(r *rubric.Rubric, logprobs bool) ([]fields, error) {
	bounded, err := schema(r, true)
	if err != nil {
		return nil, err
	}
	plain, err := schema(r, false)
	if err != nil {
		return nil, err
	}
	var all []fields
	for _, demanded := range []fields{responseFormat + fields(bounded), responseFormat + fields(plain), ""} {
		if logprobs {
			all = append(all, demanded+askedLogprobs)
		}
		all = append(all, demanded)
	}
	return all, nil
}

const responseFormat = `,"response_format":`

// schema returns the JSON schema of an answer, as response_format. It is written by hand, because models answer in the
// order of its properties, and should give the reason before the ratings. bounded adds limits of lengths. Some servers
// need these limits to end an answer, and other servers refuse them. Without capabilities, the schema has no ratings.
func schema(r *rubric.Rubric, bounded bool) (json.RawMessage, error) {
	rated := len(r.Capabilities) > 0
	required := `"reason","styles"`
	if rated {
		required = `"reason","ratings","styles"`
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"type":"json_schema","json_schema":{"name":"rating","strict":true,"schema":{"type":"object",`+
		`"additionalProperties":false,"required":[%s],"properties":{"reason":{"type":"string"`, required)
	if bounded {
		fmt.Fprintf(&b, `,"minLength":1,"maxLength":%d`, maxReason)
	}
	b.WriteByte('}')
	if rated {
		if err := addRatings(&b, r); err != nil {
			return nil, err
		}
	}
	styles, err := json.Marshal(r.Styles)
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	fmt.Fprintf(&b, `,"styles":{"type":"array","items":{"type":"string","enum":%s}`, styles)
	if bounded {
		fmt.Fprintf(&b, `,"minItems":1,"maxItems":%d`, len(r.Styles))
	}
	b.WriteString(`}}}}}`)
	if !json.Valid(b.Bytes()) {
		return nil, fmt.Errorf("the schema of rubric %q is not JSON", r.Name)
	}
	return b.Bytes(), nil
}

// addRatings adds the property of the ratings to a schema.
func addRatings(b *bytes.Buffer, r *rubric.Rubric) error {
	capabilities, err := json.Marshal(r.Capabilities)
	if err != nil {
		return fmt.Errorf("encoding the schema: %w", err)
	}
	fmt.Fprintf(b, `,"ratings":{"type":"object","additionalProperties":false,"required":%s,"properties":{`, capabilities)
	for i, c := range r.Capabilities {
		name, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("encoding the schema: %w", err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `%s:{"type":"integer","enum":[`, name)
		for rating := range scorer.MaxRating {
			fmt.Fprintf(b, "%d,", rating)
		}
		fmt.Fprintf(b, "%d]}", scorer.MaxRating)
	}
	b.WriteString(`}}`)
	return nil
}
