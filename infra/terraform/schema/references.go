package schema

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// CheckReferences reports every reference to something that does not exist, every call of a module with wrong
// arguments, and every variable and local value that is not used.
func (s *Schema) CheckReferences(m *Module) error {
	r := references{
		schema: s, module: m, called: map[string]*Module{}, locals: map[string]hcl.Range{}, used: map[string]bool{},
	}
	for _, b := range m.Blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				r.locals[name] = a.SrcRange
			}
		}
	}
	for name, call := range m.Named("module") {
		r.call(name, call)
	}
	for _, b := range m.Blocks {
		known := []string{"path", "terraform"}
		switch {
		case b.Body.Attributes["for_each"] != nil:
			known = append(known, "each")
		case b.Body.Attributes["count"] != nil:
			known = append(known, "count")
		}
		body := *b.Body
		if b.Type == "variable" {
			// A type, such as map(string), would count as a reference to a name that does not exist.
			body.Attributes = maps.Clone(body.Attributes)
			delete(body.Attributes, "type")
		}
		r.body(&body, known)
	}
	for name, b := range m.Named("variable") {
		if !r.used["var."+name] {
			r.fault(b.DefRange(), "variable %s is not used", name)
		}
	}
	for name, place := range r.locals {
		if !r.used["local."+name] {
			r.fault(place, "local value %s is not used", name)
		}
	}
	return errors.Join(r.faults...)
}

type references struct {
	schema *Schema
	module *Module
	called map[string]*Module   // modules by the name of their call
	locals map[string]hcl.Range // places of local values
	used   map[string]bool      // names of used variables and local values, such as var.x and local.x
	faults []error
}

func (r *references) fault(place hcl.Range, format string, args ...any) {
	r.faults = append(r.faults, at(place, format, args...))
}

// call compares the arguments of a module's call with the module's variables.
func (r *references) call(name string, call *hclsyntax.Block) {
	source, err := literal(call.Body.Attributes["source"])
	if err != nil {
		r.fault(call.DefRange(), "module %s: source: %w", name, err)
		return
	}
	called, err := Read(filepath.Join(r.module.Dir, source))
	if err != nil {
		r.fault(call.DefRange(), "module %s: %w", name, err)
		return
	}
	r.called[name] = called
	variables := called.Named("variable")
	for argument, a := range call.Body.Attributes {
		if variables[argument] == nil && argument != "source" && argument != "providers" &&
			!slices.Contains(metaArguments, argument) {
			r.fault(a.SrcRange, "module %s has no variable %s", name, argument)
		}
	}
	for variable, b := range variables {
		if call.Body.Attributes[variable] == nil && b.Body.Attributes["default"] == nil {
			r.fault(call.DefRange(), "module %s: argument %s is missing", name, variable)
		}
	}
}

// literal returns the value of an argument that is a text without expressions.
func literal(a *hclsyntax.Attribute) (string, error) {
	if a == nil {
		return "", errors.New("is missing")
	}
	v, faults := a.Expr.Value(nil)
	if faults.HasErrors() {
		return "", faults
	}
	return v.AsString(), nil
}

// body checks all expressions of a block. known lists the names that are defined inside the block.
func (r *references) body(body *hclsyntax.Body, known []string) {
	for _, a := range body.Attributes {
		for _, traversal := range hclsyntax.Variables(a.Expr) {
			r.reference(traversal, known)
		}
	}
	for _, b := range body.Blocks {
		switch b.Type {
		case "lifecycle":
			// Skip the attributes, because ignore_changes names arguments, not values.
			r.body(&hclsyntax.Body{Blocks: b.Body.Blocks}, known)
		case "dynamic":
			r.body(&hclsyntax.Body{Attributes: b.Body.Attributes}, known)
			if content := dynamicContent(b); content != nil {
				r.body(content, append(slices.Clone(known), b.Labels[0]))
			}
		default:
			r.body(b.Body, known)
		}
	}
}

// reference checks that the target of one reference exists.
func (r *references) reference(t hcl.Traversal, known []string) {
	root, place := t.RootName(), t.SourceRange()
	names := attributes(t)
	switch {
	case slices.Contains(known, root):
	case len(names) == 0, slices.Contains([]string{"each", "count", "self"}, root):
		r.fault(place, "%s has no meaning here", root)
	case root == "var":
		r.used["var."+names[0]] = true
		if r.module.Named("variable")[names[0]] == nil {
			r.fault(place, "there is no variable %s", names[0])
		}
	case root == "local":
		r.used["local."+names[0]] = true
		if _, ok := r.locals[names[0]]; !ok {
			r.fault(place, "there is no local value %s", names[0])
		}
	case root == "module":
		r.output(names, place)
	case root == "data" && len(names) > 1:
		r.attribute("data", names[0], names[1], names[2:], place)
	default:
		r.attribute("resource", root, names[0], names[1:], place)
	}
}

func (r *references) output(names []string, place hcl.Range) {
	called := r.called[names[0]]
	if called == nil {
		r.fault(place, "there is no module %s", names[0])
	} else if len(names) > 1 && called.Named("output")[names[1]] == nil {
		r.fault(place, "module %s has no output %s", names[0], names[1])
	}
}

func (r *references) attribute(kind, resource, name string, rest []string, place hcl.Range) {
	label := resource + "." + name
	if r.module.Named(kind)[label] == nil {
		r.fault(place, "there is no %s %s", kind, label)
		return
	}
	types := map[string]map[string]*Block{"resource": r.schema.Resources, "data": r.schema.Data}[kind]
	b := types[resource]
	if b == nil || len(rest) == 0 {
		return // Check reports an unknown type
	}
	if _, ok := b.Attributes[rest[0]]; !ok && b.Blocks[rest[0]] == nil {
		r.fault(place, "%s has no attribute %s; it has %s", label, rest[0],
			strings.Join(slices.Sorted(maps.Keys(b.Attributes)), ", "))
	}
}

// attributes returns the names in a reference after its root, without indexes: name and uri of google_x.name[0].uri.
func attributes(t hcl.Traversal) []string {
	var names []string
	for _, step := range t[1:] {
		if a, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, a.Name)
		}
	}
	return names
}
