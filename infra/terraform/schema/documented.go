package schema

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// CheckDocumented returns an error for each variable and output whose description has fewer than three words, for each
// variable without a type, and for each resource and data source without a comment or a description.
func (m *Module) CheckDocumented() error {
	var faults []error
	for _, b := range m.Blocks {
		if (b.Type == "resource" || b.Type == "data") && !m.hasReason(b) {
			name := strings.Join(b.Labels, ".")
			faults = append(faults, at(b.DefRange(), "%s %s: a comment with its reason is missing", b.Type, name))
		}
		if b.Type != "variable" && b.Type != "output" {
			continue
		}
		text, err := literal(b.Body.Attributes["description"])
		switch {
		case err != nil:
			faults = append(faults, at(b.DefRange(), "%s %s: description %w", b.Type, b.Labels[0], err))
		case len(strings.Fields(text)) < 3:
			faults = append(faults, at(b.DefRange(), "%s %s: description %q has fewer than three words", b.Type,
				b.Labels[0], text))
		}
		if b.Type == "variable" && b.Body.Attributes["type"] == nil {
			faults = append(faults, at(b.DefRange(), "variable %s: type is missing", b.Labels[0]))
		}
	}
	return errors.Join(faults...)
}

func (m *Module) hasReason(b *hclsyntax.Block) bool {
	place := b.Range()
	for line := place.Start.Line - 1; line <= b.Body.EndRange.End.Line; line++ {
		if m.comments[place.Filename][line] {
			return true
		}
	}
	return b.Body.Attributes["description"] != nil || b.Body.Attributes["display_name"] != nil
}
