package main

import (
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func schemas(types map[string]*schema.Block) map[string]*tfprotov6.Schema {
	all := map[string]*tfprotov6.Schema{}
	for name, b := range types {
		all[name] = &tfprotov6.Schema{Block: block(b)}
	}
	return all
}

var nestings = map[string]tfprotov6.SchemaNestedBlockNestingMode{
	"list":   tfprotov6.SchemaNestedBlockNestingModeList,
	"set":    tfprotov6.SchemaNestedBlockNestingModeSet,
	"single": tfprotov6.SchemaNestedBlockNestingModeSingle,
}

var kinds = map[string]tftypes.Type{
	"string":       tftypes.String,
	"number":       tftypes.Number,
	"bool":         tftypes.Bool,
	"list(string)": tftypes.List{ElementType: tftypes.String},
	"list(number)": tftypes.List{ElementType: tftypes.Number},
	"set(string)":  tftypes.Set{ElementType: tftypes.String},
	"set(number)":  tftypes.Set{ElementType: tftypes.Number},
	"map(string)":  tftypes.Map{ElementType: tftypes.String},
}

func block(b *schema.Block) *tfprotov6.SchemaBlock {
	made := &tfprotov6.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		if kinds[a.Type] == nil {
			continue // computed, of a form that the bindings do not contain
		}
		made.Attributes = append(made.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: kinds[a.Type],
			Required: a.Mode == schema.Required, Optional: a.Mode == schema.Optional,
			// The provider sets these if the configuration does not.
			Computed: a.Mode == schema.Computed || a.Mode == schema.Optional && (name == "id" || name == "project"),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		nested := b.Blocks[name]
		of := &tfprotov6.SchemaNestedBlock{TypeName: name, Block: block(nested), Nesting: nestings[nested.Nesting]}
		if nested.Nesting != "single" {
			of.MinItems, of.MaxItems = int64(nested.Min), int64(nested.Max)
		}
		made.BlockTypes = append(made.BlockTypes, of)
	}
	return made
}
