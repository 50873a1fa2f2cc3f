package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
)

// The CDKTF bindings of a provider are generated, so regular expressions can read them. index.js has one function for
// each block; it lists the Terraform names of the arguments, and distinguishes blocks from attributes. index.d.ts has
// one interface for each block; it shows which arguments are required, and which blocks may be repeated.
var (
	rootInterface = regexp.MustCompile(`export interface (\w+)Config extends cdktf\.TerraformMetaArguments \{`)
	rootArguments = regexp.MustCompile(`(?s)\n    synthesizeHclAttributes\(\) \{` +
		`\n        const attrs = \{\n(.*?)\n        \};`)
	blockFunction = regexp.MustCompile(`(?s)\nfunction (\w+)ToHclTerraform\(struct\) \{(.*?)\n\}`)
	argument      = regexp.MustCompile(`(?m)^ +(\w+): \{\n +value: (.*),\n +isBlock: (true|false),` +
		`\n +type: "(\w+)",\n +storageClassType: "(\w+)",$`)
	property      = regexp.MustCompile(`(?:struct\.|this\._)(\w+)`)
	ofBlock       = regexp.MustCompile(`(?:^|\()(\w+)ToHclTerraform`)
	typedProperty = regexp.MustCompile(`(?m)^    readonly (\w+)(\??): (.*)$`)
	getter        = regexp.MustCompile(`\n    get \w+\(\) \{\n        return this\.get(\w+)Attribute\('(\w+)'\);`)
	computedPart  = regexp.MustCompile(`\n        this\._\w+ = new (cdktf\.)?(\w+)\(this, "(\w+)"`)
)

// parse reads the bindings of one resource or data source: its index.js and its index.d.ts.
func parse(code, types string) (*schema.Block, error) {
	root := rootInterface.FindStringSubmatch(types)
	arguments := rootArguments.FindStringSubmatch(code)
	if root == nil {
		return nil, fmt.Errorf("index.d.ts has no interface whose name ends in Config")
	}
	s := source{functions: map[string]string{}, interfaces: map[string]map[string]typed{}}
	for _, f := range blockFunction.FindAllStringSubmatch(code, -1) {
		s.functions[f[1]] = f[2]
	}
	for part := range strings.SplitSeq(types, "export interface ") {
		name, _, _ := strings.Cut(part, " ")
		s.interfaces[name] = properties(part)
	}
	b := &schema.Block{Attributes: map[string]schema.Attribute{}, Blocks: map[string]*schema.Block{}}
	if arguments != nil { // a data source may have no arguments
		if err := s.fill(b, arguments[1], root[1]+"Config"); err != nil {
			return nil, err
		}
	}
	_, class, _ := strings.Cut(code, "\nclass "+root[1]+" extends")
	for name, kind := range computed(class) {
		if _, given := b.Attributes[name]; !given && b.Blocks[name] == nil {
			b.Attributes[name] = schema.Attribute{Mode: schema.Computed, Type: kind}
		}
	}
	return b, nil
}

type source struct {
	functions  map[string]string
	interfaces map[string]map[string]typed
}

// typed describes a property of an interface.
type typed struct{ optional, repeated bool }

func properties(part string) map[string]typed {
	body, _, _ := strings.Cut(part, "\n}")
	found := map[string]typed{}
	for _, p := range typedProperty.FindAllStringSubmatch(body, -1) {
		found[p[1]] = typed{optional: p[2] == "?", repeated: strings.Contains(p[3], "[]")}
	}
	return found
}

// fill reads the arguments of one block into b. The interface name declares the properties of the block.
func (s source) fill(b *schema.Block, arguments, name string) error {
	known := s.interfaces[name]
	if known == nil {
		return fmt.Errorf("index.d.ts has no interface %s", name)
	}
	found := argument.FindAllStringSubmatch(arguments, -1)
	if all := strings.Count(arguments, "isBlock:"); len(found) != all {
		return fmt.Errorf("this program can read only %d of the %d arguments of %s", len(found), all, name)
	}
	for _, a := range found {
		label, value, isBlock, container, class := a[1], a[2], a[3] == "true", a[4], a[5]
		p := property.FindStringSubmatch(value)
		if p == nil {
			return fmt.Errorf("%s: %q names no property", label, value)
		}
		t, ok := known[p[1]]
		if !ok {
			return fmt.Errorf("%s: interface %s has no property %s", label, name, p[1])
		}
		if !isBlock {
			kind, err := typeOf(container, class)
			if err != nil {
				return fmt.Errorf("%s: %w", label, err)
			}
			mode := schema.Required
			if t.optional {
				mode = schema.Optional
			}
			b.Attributes[label] = schema.Attribute{Mode: mode, Type: kind}
			continue
		}
		nested, err := s.block(value, container, t)
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		b.Blocks[label] = nested
	}
	return nil
}

func (s source) block(value, container string, t typed) (*schema.Block, error) {
	of := ofBlock.FindStringSubmatch(value)
	if of == nil {
		return nil, fmt.Errorf("%q names no block", value)
	}
	b := &schema.Block{Nesting: container, Attributes: map[string]schema.Attribute{}, Blocks: map[string]*schema.Block{}}
	if container == "struct" {
		b.Nesting = "single"
	}
	if !t.optional {
		b.Min = 1
	}
	if !t.repeated {
		b.Max = 1
	}
	return b, s.fill(b, s.functions[of[1]], strings.ToUpper(of[1][:1])+of[1][1:])
}

// typeOf returns Terraform's name of a type in the bindings.
func typeOf(container, class string) (string, error) {
	simple := map[string]string{"string": "string", "number": "number", "boolean": "bool"}
	element := map[string]string{"stringList": "string", "numberList": "number", "stringMap": "string"}
	switch {
	case container == "simple" && simple[class] != "":
		return simple[class], nil
	case (container == "list" || container == "set" || container == "map") && element[class] != "":
		return container + "(" + element[class] + ")", nil
	}
	return "", fmt.Errorf("this program does not know the type %s of %s", container, class)
}

// computed returns the types of all attributes that a class has getters for. Some of them are also arguments.
func computed(class string) map[string]string {
	kinds := map[string]string{
		"String": "string", "Number": "number", "Boolean": "bool", "List": "list(string)", "StringMap": "map(string)",
	}
	found := map[string]string{}
	for _, g := range getter.FindAllStringSubmatch(class, -1) {
		found[g[2]] = kinds[g[1]]
		if found[g[2]] == "" {
			found[g[2]] = "any"
		}
	}
	for _, c := range computedPart.FindAllStringSubmatch(class, -1) {
		found[c[3]] = "any"
		if c[1] != "" && c[2] == "StringMap" {
			found[c[3]] = "map(string)"
		}
	}
	return found
}
