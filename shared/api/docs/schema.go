package docs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Schema describes a type of values.
type Schema struct {
	Ref         string           `yaml:"$ref"`
	Type        names            `yaml:"type"`
	Description string           `yaml:"description"`
	Enum        []string         `yaml:"enum"`
	Const       string           `yaml:"const"`
	Items       *Schema          `yaml:"items"`
	Properties  entries[*Schema] `yaml:"properties"`
	Required    []string         `yaml:"required"`
	AllOf       []*Schema        `yaml:"allOf"`
	AnyOf       []*Schema        `yaml:"anyOf"`
	Values      *additional      `yaml:"additionalProperties"`
	Default     any              `yaml:"default"`
	Minimum     any              `yaml:"minimum"`
	Maximum     any              `yaml:"maximum"`
	Examples    []any            `yaml:"examples"`
}

// names is a list of names. The document may have a single name without brackets.
type names []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *names) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*n = names{node.Value}
		return nil
	}
	return node.Decode((*[]string)(n))
}

// additional is the schema of an object's other fields; nil if the object has no other fields.
type additional struct{ *Schema }

// UnmarshalYAML implements yaml.Unmarshaler.
func (a *additional) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return nil // false
	}
	return node.Decode(&a.Schema)
}

// Name returns the name of the component to which the schema refers; empty if it is not a reference.
func (s *Schema) Name() string { return s.Ref[strings.LastIndex(s.Ref, "/")+1:] }

// IsArray reports whether the values are arrays.
func (s *Schema) IsArray() bool { return slices.Contains(s.Type, "array") }

// IsMap reports whether the object may have fields of any name.
func (s *Schema) IsMap() bool { return s.Values != nil && s.Values.Schema != nil }

// Plain returns a description in words of a type that contains no other type.
func (s *Schema) Plain() string {
	switch {
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, " | ")
	case s.Const != "":
		return s.Const
	case len(s.Type) == 0:
		return "object"
	}
	return strings.Join(s.Type, " or ")
}

// Requires reports whether a field is always present.
func (s *Schema) Requires(field string) bool { return slices.Contains(s.Required, field) }

// Bounds returns the minimum, the maximum and the default, in words.
func (s *Schema) Bounds() string {
	var parts []string
	for _, bound := range []struct {
		word  string
		value any
	}{{"from", s.Minimum}, {"to", s.Maximum}, {"default", s.Default}} {
		if bound.value != nil {
			parts = append(parts, fmt.Sprintf("%s %v", bound.word, bound.value))
		}
	}
	return strings.Join(parts, ", ")
}
