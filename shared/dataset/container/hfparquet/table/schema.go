package table

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A group is a struct whose fields keep their order. parquet.Group would sort them by name.
type group struct {
	parquet.Group
	order []string
}

func newGroup(fields []*column) group {
	g := group{Group: parquet.Group{}}
	for _, field := range fields {
		g.Group[field.name] = field.node()
		g.order = append(g.order, field.name)
	}
	return g
}

// Fields returns the fields in their order.
func (g group) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return fields
}

// imageFields are the fields of an image.
var imageFields = []string{"bytes", "path"}

// node returns the column's node in the schema. Each value may be null.
func (c *column) node() parquet.Node {
	leaf := func(node parquet.Node) parquet.Node {
		return parquet.Optional(parquet.Encoded(node, &parquet.Plain))
	}
	switch {
	case c.kind == images:
		image := group{parquet.Group{
			// Images are compressed already.
			"bytes": leaf(parquet.Compressed(parquet.Leaf(parquet.ByteArrayType), &parquet.Uncompressed)),
			"path":  leaf(parquet.String()),
		}, imageFields}
		return parquet.Optional(parquet.List(parquet.Optional(image)))
	case c.kind == boolean:
		return leaf(parquet.Leaf(parquet.BooleanType))
	case c.kind == integer:
		return leaf(parquet.Int(64))
	case c.kind == number:
		return leaf(parquet.Leaf(parquet.DoubleType))
	case c.kind == list:
		return parquet.Optional(parquet.List(c.fields[0].node()))
	case c.kind == object && len(c.fields) > 0:
		return parquet.Optional(newGroup(c.fields))
	default: // Parquet has no struct without fields
		return leaf(parquet.String())
	}
}

// number numbers the leaves from first on, and returns the number after the last leaf.
func (c *column) number(first int) int {
	c.first, c.leaves = first, 1
	switch {
	case c.kind == images:
		c.leaves = len(imageFields)
	case len(c.fields) > 0:
		c.leaves = 0
		for _, field := range c.fields {
			c.leaves = field.number(first+c.leaves) - first
		}
	}
	return c.first + c.leaves
}

// features returns the JSON with which Hugging Face's datasets library describes columns in a file's metadata. Lists
// have the notation that all versions of the library read.
func (c *Columns) features() string {
	var out strings.Builder
	out.WriteString(`{"info": {"features": `)
	c.root.feature(&out)
	out.WriteString("}}")
	return out.String()
}

func (c *column) feature(out *strings.Builder) {
	switch {
	case c.kind == images:
		out.WriteString(`[{"_type": "Image"}]`)
	case c.kind == list:
		out.WriteString("[")
		c.fields[0].feature(out)
		out.WriteString("]")
	case c.kind == object && len(c.fields) > 0:
		separator := "{"
		for _, field := range c.fields {
			out.WriteString(separator + string(jsontext.Append(nil, field.name)) + ": ")
			field.feature(out)
			separator = ", "
		}
		out.WriteString("}")
	default:
		dtype := map[kind]string{boolean: "bool", integer: "int64", number: "float64"}[c.kind]
		if dtype == "" {
			dtype = "string"
		}
		out.WriteString(`{"dtype": "` + dtype + `", "_type": "Value"}`)
	}
}
