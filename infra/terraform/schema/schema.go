// Package schema checks Terraform configuration without Terraform and without its provider. It compares every resource,
// block and argument with the schema of a release of the google provider, and checks the target of every reference.
package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// A Schema has the resources and data sources that this repository uses, as one release of a provider defines them.
type Schema struct {
	Provenance Provenance        `json:"provenance"`
	Resources  map[string]*Block `json:"resources"`
	Data       map[string]*Block `json:"data"`
}

// Provenance records the source of a schema.
type Provenance struct {
	Package  string `json:"package"`  // npm package and version
	Licence  string `json:"licence"`  // of this package
	SHA512   string `json:"sha512"`   // of the package's archive
	Provider string `json:"provider"` // provider and version that the package was made from
}

// A Block is a resource, a data source, or a block within one.
type Block struct {
	// Nesting is list, set or single; empty for a resource or a data source.
	Nesting string `json:"nesting,omitempty"`
	// Min is 1 for a required block. Max is 1 for a block that may occur once; 0 means any number.
	Min        int                  `json:"min,omitempty"`
	Max        int                  `json:"max,omitempty"`
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Blocks     map[string]*Block    `json:"blocks,omitempty"`
}

// An Attribute is an argument, or a value that the provider computes. In JSON it has two words, such as "required
// string".
type Attribute struct {
	Mode Mode
	Type string // string, number, bool, list(string), list(number), set(string), set(number), map(string), or any
}

// A Mode is required or optional if the configuration sets an attribute, and computed if only the provider sets it.
type Mode string

// The modes of an attribute.
const (
	Required Mode = "required"
	Optional Mode = "optional"
	Computed Mode = "computed" // set only by the provider
)

// MarshalText implements encoding.TextMarshaler.
func (a Attribute) MarshalText() ([]byte, error) { return []byte(string(a.Mode) + " " + a.Type), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Attribute) UnmarshalText(text []byte) error {
	mode, kind, ok := strings.Cut(string(text), " ")
	if !ok {
		return fmt.Errorf("attribute %q: it must have a mode and a type, such as %q", text, "required string")
	}
	switch a.Mode, a.Type = Mode(mode), kind; a.Mode {
	case Required, Optional, Computed:
		return nil
	}
	return fmt.Errorf("attribute %q: %q is not a mode", text, mode)
}

//go:embed google.json
var google []byte

// Google returns the schema of the google provider.
func Google() (*Schema, error) {
	var s Schema
	if err := json.Unmarshal(google, &s); err != nil {
		return nil, fmt.Errorf("reading google.json: %w", err)
	}
	return &s, nil
}
