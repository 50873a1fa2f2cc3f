package schema

import (
	"errors"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// meta lists the arguments that Terraform accepts in any resource or data source.
var (
	metaArguments = []string{"count", "for_each", "depends_on", "provider"}
	metaBlocks    = []string{"lifecycle", "provisioner", "connection", "precondition", "postcondition"}
)

// Check returns the faults in a module's resources and data sources that the provider would refuse, each with file and
// line.
func (s *Schema) Check(m *Module) error {
	var faults []error
	for _, b := range m.Blocks {
		types := map[string]map[string]*Block{"resource": s.Resources, "data": s.Data}[b.Type]
		if types == nil {
			continue
		}
		known := types[b.Labels[0]]
		if known == nil {
			faults = append(faults, at(b.DefRange(),
				"%s %s is not in the schema: fix the name, or generate the schema again", b.Type, b.Labels[0]))
			continue
		}
		faults = append(faults, known.check(b.Body, true)...)
	}
	return errors.Join(faults...)
}

// check compares the body of a block with its schema. If top is true, the block is a resource or data source, and may
// also have the arguments in meta.
func (b *Block) check(body *hclsyntax.Body, top bool) []error {
	var faults []error
	for name, a := range body.Attributes {
		known, ok := b.Attributes[name]
		switch {
		case top && slices.Contains(metaArguments, name):
		case !ok && b.Blocks[name] != nil:
			faults = append(faults, at(a.SrcRange, "%s is a block, not an argument", name))
		case !ok:
			faults = append(faults, at(a.SrcRange, "the block has no argument %s", name))
		case known.Mode == Computed:
			faults = append(faults, at(a.SrcRange, "%s is computed, and cannot be set", name))
		case !fits(a.Expr, known.Type):
			faults = append(faults, at(a.SrcRange, "%s: it must be a %s", name, known.Type))
		}
	}
	for name, known := range b.Attributes {
		if known.Mode == Required && body.Attributes[name] == nil {
			faults = append(faults, at(body.SrcRange, "argument %s is missing", name))
		}
	}
	return append(faults, b.checkBlocks(body, top)...)
}

func (b *Block) checkBlocks(body *hclsyntax.Body, top bool) []error {
	var faults []error
	fixed, dynamic := map[string]int{}, map[string]bool{}
	for _, nested := range body.Blocks {
		name, content := nested.Type, nested.Body
		switch {
		case top && slices.Contains(metaBlocks, name):
			continue
		case name == "dynamic":
			name = nested.Labels[0]
			content = dynamicContent(nested)
			dynamic[name] = true
			if content == nil || nested.Body.Attributes["for_each"] == nil {
				faults = append(faults, at(nested.DefRange(), "dynamic %s: for_each or content is missing", name))
				continue
			}
		default:
			fixed[name]++
		}
		known := b.Blocks[name]
		if known == nil {
			faults = append(faults, at(nested.DefRange(), "the block has no block %s", name))
			continue
		}
		if known.Max > 0 && fixed[name] > known.Max {
			faults = append(faults, at(nested.DefRange(), "block %s: at most %d may occur", name, known.Max))
		}
		faults = append(faults, known.check(content, false)...)
	}
	for name, known := range b.Blocks {
		if known.Min > 0 && fixed[name] == 0 && !dynamic[name] {
			faults = append(faults, at(body.SrcRange, "block %s is missing", name))
		}
	}
	return faults
}

// dynamicContent returns the block that a dynamic block repeats.
func dynamicContent(b *hclsyntax.Block) *hclsyntax.Body {
	for _, nested := range b.Body.Blocks {
		if nested.Type == "content" {
			return nested.Body
		}
	}
	return nil
}

// fits reports whether an expression may have a type. It checks only the form of the expression, and follows no
// references.
func fits(e hclsyntax.Expression, kind string) bool {
	single := kind == "string" || kind == "number" || kind == "bool"
	switch e.(type) {
	case *hclsyntax.TupleConsExpr:
		return !single && kind != "map(string)"
	case *hclsyntax.ObjectConsExpr:
		return !single && kind != "list(string)" && kind != "set(string)"
	case *hclsyntax.TemplateExpr, *hclsyntax.LiteralValueExpr:
		return single || kind == "any" || isNull(e)
	}
	return true
}

func isNull(e hclsyntax.Expression) bool {
	literal, ok := e.(*hclsyntax.LiteralValueExpr)
	return ok && literal.Val.IsNull()
}
