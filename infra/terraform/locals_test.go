package terraform_test

import (
	"testing"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// local returns a local value of a module with these variables.
func local(t *testing.T, dir, name string, variables map[string]cty.Value) cty.Value {
	t.Helper()
	m, err := schema.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := &hcl.EvalContext{
		Variables: map[string]cty.Value{"var": cty.ObjectVal(variables)},
		Functions: map[string]function.Function{"replace": stdlib.ReplaceFunc, "join": stdlib.JoinFunc},
	}
	expressions := map[string]hclsyntax.Expression{}
	for _, b := range m.Blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				expressions[name] = a.Expr
			}
		}
	}
	v, faults := evaluate(ctx, expressions, name)
	if faults.HasErrors() {
		t.Fatalf("evaluating local.%s of %s: %v", name, dir, faults)
	}
	return v
}

// evaluate returns a local value. It first evaluates the local values that the value refers to.
func evaluate(
	ctx *hcl.EvalContext, expressions map[string]hclsyntax.Expression, name string,
) (cty.Value, hcl.Diagnostics) {
	e := expressions[name]
	if e == nil {
		return cty.NilVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "there is no local." + name}}
	}
	locals := map[string]cty.Value{}
	for _, t := range hclsyntax.Variables(e) {
		if t.RootName() != "local" {
			continue
		}
		needed := t[1].(hcl.TraverseAttr).Name
		v, faults := evaluate(ctx, expressions, needed)
		if faults.HasErrors() {
			return v, faults
		}
		locals[needed] = v
	}
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{"local": cty.ObjectVal(locals)}
	return e.Value(child)
}

// text returns an attribute of an object; empty if the attribute is null.
func text(v cty.Value, name string) string {
	if a := v.GetAttr(name); !a.IsNull() {
		return a.AsString()
	}
	return ""
}
