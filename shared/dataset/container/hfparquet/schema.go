package hfparquet

import (
	"fmt"
	"math"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// maxDepth is the largest depth of a schema, and maxLeaves the largest number of its columns.
const (
	maxDepth  = 64
	maxLeaves = 4096
)

// A node is a field of the schema, or the element of a list.
type node struct {
	name    string
	element *format.SchemaElement
	kind    nodeKind
	// rep and def are the levels of an entry in which the node is not null.
	rep, def byte
	optional bool
	// children are the fields of a struct or a map. item is the repeated field of a list. elem is the list's element: item
	// itself, or the only field in item.
	children   []*node
	item, elem *node
	// first and last are the range of the indexes of the columns below the node; last is exclusive.
	first, last int
}

type nodeKind int

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
)

// A column is a leaf of the schema.
type column struct {
	pages.Column
	*node
	binary bool // whether its values are bytes other than text
	// companion is the index of a column of the same struct that shows whether the struct is null; -1 if there is none.
	companion int
}

// A schema has the fields of a file.
type schema struct {
	root    *node
	columns []*column
}

// newSchema reads the schema of a footer, which lists the fields depth first.
func newSchema(elements []format.SchemaElement) (*schema, error) {
	b := schemaBuilder{elements: elements}
	root, err := b.group("", 0, 0, 0)
	switch {
	case err != nil:
		return nil, err
	case len(b.elements) > 0:
		return nil, fmt.Errorf("its schema has %d fields after its end", len(b.elements))
	case len(b.columns) == 0:
		return nil, fmt.Errorf("its schema has no columns")
	}
	root.kind = structNode
	return &schema{root: root, columns: b.columns}, nil
}

type schemaBuilder struct {
	elements []format.SchemaElement // the elements that were not read yet
	columns  []*column
}

// node reads the next field. path, rep and def are those of the group that contains it.
func (b *schemaBuilder) node(path string, depth int, rep, def byte) (*node, error) {
	if len(b.elements) == 0 {
		return nil, fmt.Errorf("its schema ends inside of group %q", path)
	}
	e := &b.elements[0]
	path = strings.TrimPrefix(path+"."+e.Name, ".")
	if depth > maxDepth || int(def)+1 > math.MaxUint8 || len(b.columns) == maxLeaves {
		return nil, fmt.Errorf("its schema is deeper than %d levels or has more than %d columns", maxDepth, maxLeaves)
	}
	repeated := false
	if e.RepetitionType.Valid {
		switch e.RepetitionType.V {
		case format.Optional:
			def++
		case format.Repeated:
			repeated = true
			rep++
			def++
		default:
		}
	}
	n, err := b.fill(e, path, depth, rep, def)
	if err != nil {
		return nil, err
	}
	n.optional = e.RepetitionType.Valid && e.RepetitionType.V == format.Optional
	if repeated { // a list without an annotation, unless the group around it has one
		return &node{name: n.name, element: e, kind: listNode, rep: rep - 1, def: def - 1, item: n, elem: n,
			first: n.first, last: n.last}, nil
	}
	return n, nil
}

func (b *schemaBuilder) fill(e *format.SchemaElement, path string, depth int, rep, def byte) (*node, error) {
	if !e.Type.Valid {
		return b.group(path, depth, rep, def)
	}
	b.elements = b.elements[1:]
	n := &node{name: e.Name, element: e, rep: rep, def: def, first: len(b.columns), last: len(b.columns) + 1}
	c := &column{node: n, companion: -1, Column: pages.Column{
		Path: path, Type: e.Type.V, Width: int(e.TypeLength.V), MaxRep: rep, MaxDef: def,
	}}
	if c.Type < format.Boolean || c.Type > format.FixedLenByteArray ||
		c.Type == format.FixedLenByteArray && (c.Width <= 0 || c.Width > 1<<20) {
		return nil, fmt.Errorf("column %s has a type that is not known", path)
	}
	c.binary = c.Type == format.ByteArray && !isText(e) && !isDecimal(e)
	b.columns = append(b.columns, c)
	return n, nil
}

// group reads the next field, which is a group of fields.
func (b *schemaBuilder) group(path string, depth int, rep, def byte) (*node, error) {
	if len(b.elements) == 0 {
		return nil, fmt.Errorf("its schema is empty")
	}
	e := &b.elements[0]
	b.elements = b.elements[1:]
	n := &node{name: e.Name, element: e, kind: structNode, rep: rep, def: def, first: len(b.columns)}
	if e.NumChildren.V < 0 || int(e.NumChildren.V) > len(b.elements) {
		return nil, fmt.Errorf("its schema ends inside of group %q", path)
	}
	for range e.NumChildren.V {
		child, err := b.node(path, depth+1, rep, def)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	n.last = len(b.columns)
	if n.last == n.first {
		return nil, fmt.Errorf("its schema has the group %q without columns", path)
	}
	n.annotate()
	b.pair(n)
	return n, nil
}

// annotate makes a group a list or a map if it has such an annotation. Source: Parquet's LogicalTypes.md, with its
// rules for old files.
func (n *node) annotate() {
	if len(n.children) != 1 || n.children[0].kind != listNode {
		return
	}
	item := n.children[0].item
	isList, isMap := isNested(n.element)
	switch {
	case isMap && item.kind == structNode && len(item.children) == 2:
		n.kind, n.item, n.elem, n.children = mapNode, item, item, item.children
	case isList || isMap:
		n.kind, n.item, n.elem, n.children = listNode, item, item, nil
		one := item.kind == structNode && len(item.children) == 1
		if one && item.name != "array" && item.name != n.name+"_tuple" {
			n.elem = item.children[0]
		}
	}
}

// pair finds the companions of binary columns that are fields of a struct.
func (b *schemaBuilder) pair(n *node) {
	companion := -1
	for _, child := range n.children {
		if child.kind == leafNode && !b.columns[child.first].binary {
			companion = child.first
		}
	}
	if n.kind != structNode {
		return
	}
	for _, child := range n.children {
		if child.kind == leafNode && b.columns[child.first].binary {
			b.columns[child.first].companion = companion
		}
	}
}

func isNested(e *format.SchemaElement) (isList, isMap bool) {
	switch e.LogicalType.Value.(type) {
	case *format.ListType:
		return true, false
	case *format.MapType:
		return false, true
	}
	if !e.ConvertedType.Valid {
		return false, false
	}
	converted := e.ConvertedType.V
	return converted == deprecated.List, converted == deprecated.Map || converted == deprecated.MapKeyValue
}

func isText(e *format.SchemaElement) bool {
	switch e.LogicalType.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return true
	}
	converted := e.ConvertedType
	return converted.Valid &&
		(converted.V == deprecated.UTF8 || converted.V == deprecated.Enum || converted.V == deprecated.Json)
}

func isDecimal(e *format.SchemaElement) bool {
	_, logical := e.LogicalType.Value.(*format.DecimalType)
	return logical || e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Decimal
}

// describe returns a text for each column, for messages: path, type, and levels.
func (s *schema) describe() []string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		kind := strings.ToLower(c.Type.String())
		if c.Type == format.FixedLenByteArray {
			kind += fmt.Sprintf("(%d)", c.Width)
		}
		if logical := c.element.LogicalType.Value; logical != nil {
			kind += fmt.Sprintf(" %v", logical)
		} else if c.element.ConvertedType.Valid {
			kind += fmt.Sprintf(" converted type %d", c.element.ConvertedType.V)
		}
		// The levels show which of the groups around the column may be null.
		names[i] = fmt.Sprintf("%s: %s (levels %d, %d)", c.Path, kind, c.MaxRep, c.MaxDef)
	}
	return names
}
