package docs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A description has the parts of an OpenAPI document that the pages show.
type description struct {
	Info struct {
		Title       string `yaml:"title"`
		Summary     string `yaml:"summary"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Tags       []tag              `yaml:"tags"`
	Paths      entries[*pathItem] `yaml:"paths"`
	Components struct {
		Parameters entries[*parameter] `yaml:"parameters"`
		Headers    entries[*header]    `yaml:"headers"`
		Responses  entries[*response]  `yaml:"responses"`
		Schemas    entries[*Schema]    `yaml:"schemas"`
	} `yaml:"components"`
}

// A tag is a group of calls.
type tag struct {
	Name        string       `yaml:"name"`
	Description string       `yaml:"description"`
	Operations  []*operation `yaml:"-"`
}

type pathItem struct {
	Parameters []*parameter `yaml:"parameters"`
	Get        *operation   `yaml:"get"`
	Post       *operation   `yaml:"post"`
}

type operation struct {
	ID          string             `yaml:"operationId"`
	Tags        []string           `yaml:"tags"`
	Summary     string             `yaml:"summary"`
	Description string             `yaml:"description"`
	Parameters  []*parameter       `yaml:"parameters"`
	Body        *body              `yaml:"requestBody"`
	Responses   entries[*response] `yaml:"responses"`
	Method      string             `yaml:"-"`
	Path        string             `yaml:"-"`
}

type parameter struct {
	Ref         string  `yaml:"$ref"`
	Name        string  `yaml:"name"`
	In          string  `yaml:"in"`
	Required    bool    `yaml:"required"`
	Description string  `yaml:"description"`
	Schema      *Schema `yaml:"schema"`
	Example     any     `yaml:"example"`
}

type body struct {
	Required bool            `yaml:"required"`
	Content  entries[*media] `yaml:"content"`
}

type media struct {
	Schema   *Schema `yaml:"schema"`
	Example  any     `yaml:"example"`
	Examples entries[struct {
		Summary string `yaml:"summary"`
		Value   any    `yaml:"value"`
	}] `yaml:"examples"`
}

type header struct {
	Ref         string `yaml:"$ref"`
	Description string `yaml:"description"`
}

type response struct {
	Ref         string           `yaml:"$ref"`
	Description string           `yaml:"description"`
	Headers     entries[*header] `yaml:"headers"`
	Content     entries[*media]  `yaml:"content"`
}

// An entry is a key and its value in a map.
type entry[T any] struct {
	Name  string
	Value T
}

// entries is a map that keeps the order of the document.
type entries[T any] []entry[T]

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *entries[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a map is missing", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		one := entry[T]{Name: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&one.Value); err != nil {
			return err
		}
		*e = append(*e, one)
	}
	return nil
}

// find returns the component to which a reference points.
func find[T any](components entries[T], prefix, ref string) (T, error) {
	name, ok := strings.CutPrefix(ref, "#/components/"+prefix+"/")
	for _, c := range components {
		if ok && c.Name == name {
			return c.Value, nil
		}
	}
	var none T
	return none, fmt.Errorf("the component %q is missing", ref)
}

// resolve replaces references to parameters, responses and headers by these components. References to schemas stay. It
// also groups the calls by their first tags.
func (d *description) resolve() error {
	for _, path := range d.Paths {
		for method, op := range map[string]*operation{"GET": path.Value.Get, "POST": path.Value.Post} {
			if op == nil {
				continue
			}
			op.Method, op.Path = method, path.Name
			op.Parameters = append(path.Value.Parameters[:len(path.Value.Parameters):len(path.Value.Parameters)],
				op.Parameters...)
			if err := d.resolveOperation(op); err != nil {
				return fmt.Errorf("%s %s: %w", method, path.Name, err)
			}
		}
		for _, op := range []*operation{path.Value.Get, path.Value.Post} {
			for i := range d.Tags {
				if op != nil && len(op.Tags) > 0 && op.Tags[0] == d.Tags[i].Name {
					d.Tags[i].Operations = append(d.Tags[i].Operations, op)
				}
			}
		}
	}
	return nil
}

func (d *description) resolveOperation(op *operation) (err error) {
	for i, p := range op.Parameters {
		if p.Ref != "" {
			if op.Parameters[i], err = find(d.Components.Parameters, "parameters", p.Ref); err != nil {
				return err
			}
		}
	}
	for i, r := range op.Responses {
		if r.Value.Ref != "" {
			if op.Responses[i].Value, err = find(d.Components.Responses, "responses", r.Value.Ref); err != nil {
				return err
			}
		}
		headers := op.Responses[i].Value.Headers
		for k, h := range headers {
			if h.Value.Ref != "" {
				if headers[k].Value, err = find(d.Components.Headers, "headers", h.Value.Ref); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Curl returns a command that makes the call, with the examples of its parameters and its body.
func (op *operation) Curl() (string, error) {
	at, query := op.Path, []string{}
	for _, p := range op.Parameters {
		switch p.In {
		case "path":
			at = strings.ReplaceAll(at, "{"+p.Name+"}", fmt.Sprint(p.Example))
		case "query":
			values, several := p.Example.([]any)
			if !several && p.Required {
				values = []any{p.Example}
			}
			for _, v := range values {
				query = append(query, p.Name+"="+fmt.Sprint(v))
			}
		}
	}
	command := "curl -s 'http://localhost:8080" + at
	if len(query) > 0 {
		command += "?" + strings.Join(query, "&")
	}
	command += "'"
	if op.Method != "POST" {
		return command, nil
	}
	content := "{}"
	if op.Body != nil {
		for _, m := range op.Body.Content {
			example := m.Value.Example
			if len(m.Value.Examples) > 0 {
				example = m.Value.Examples[0].Value.Value
			}
			if example == nil {
				continue
			}
			var err error
			if content, err = jsonOf(example); err != nil {
				return "", err
			}
		}
	}
	return command + " -H 'Content-Type: application/json' -d '" + content + "'", nil
}
