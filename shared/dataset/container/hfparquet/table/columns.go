// Package table writes JSON records and their images as a Parquet file. Hugging Face's datasets library loads the file
// with its images. Each field is a column of one type. The records are read twice: once to find the columns, and once
// to write them.
package table

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A kind is the type of a column's values.
type kind int

const (
	unknown kind = iota // no record has a value; the column is written as text
	boolean
	integer // 64 bits
	number  // float64
	text
	list
	object
	images // the images of a record; the field's own value is ignored
)

// names are the names of the kinds in messages.
var names = map[kind]string{
	boolean: "true or false", integer: "a number", number: "a number", text: "text", list: "a list", object: "an object",
}

const (
	// maxDepth is the largest number of nested lists and objects.
	maxDepth = 40
	// maxColumns is the largest number of leaf columns. Readers need time and memory for each column of each row group.
	maxColumns = 2000
)

// A column is a field, the elements of a list, or the root object with all fields.
type column struct {
	name string
	kind kind
	wide bool // whether float64 cannot represent one of its integers
	// fields are the fields of an object, in the order of their first occurrence; at has the index of each. A list has one
	// field, its element.
	fields []*column
	at     map[string]int
	// first is the index of the first leaf, and leaves the number of leaves.
	first, leaves int
}

// Columns are the columns of records. A field has one type in all records.
type Columns struct {
	root   column
	images string // name of the field of images
	leaves int
}

// A FieldError is the reason why a record cannot be a row.
type FieldError struct {
	Field  string // path of the field in the record
	Detail string
}

// Error returns the field and the reason.
func (e *FieldError) Error() string { return e.Field + ": " + e.Detail }

// NewColumns returns Columns without records. imagesField is the name of the field of a record's images.
func NewColumns(imagesField string) *Columns {
	return &Columns{root: column{kind: object, at: map[string]int{}}, images: imagesField}
}

// Add adds a record, which must be a JSON object in valid UTF-8. A *FieldError names a field whose type differs from
// that in earlier records, or that cannot be stored in a column.
func (c *Columns) Add(record []byte) error {
	return c.fields(&c.root, "", jsontext.Items(record), 0)
}

// fields adds the fields of an object.
func (c *Columns) fields(of *column, path string, members jsontext.Members, depth int) error {
	seen := map[string]bool{}
	for i := 0; i < len(members); i += 2 {
		name := jsontext.Text(members[i])
		field := path + name
		if seen[name] {
			return &FieldError{field, "the record has two fields of this name"}
		}
		seen[name] = true
		at, known := of.at[name]
		if !known {
			at = len(of.fields)
			of.at[name] = at
			of.fields = append(of.fields, &column{name: name})
			if c.leaves++; c.leaves > maxColumns {
				return &FieldError{field, fmt.Sprintf("the records have more than %d different fields, and programs do not read a "+
					"table of so many columns", maxColumns)}
			}
		}
		if path == "" && name == c.images {
			of.fields[at].kind = images
			continue
		}
		if err := c.value(of.fields[at], field, members[i+1], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// value adds a value of a column.
func (c *Columns) value(of *column, field string, value json.RawMessage, depth int) error {
	kind, wide, err := kindOf(value)
	switch {
	case err != "":
		return &FieldError{field, err}
	case kind == unknown:
		return nil
	case depth > maxDepth:
		return &FieldError{field, fmt.Sprintf("it is nested in more than %d lists and objects", maxDepth)}
	case of.kind == unknown:
		of.kind = kind
	case of.kind == integer && kind == number:
		of.kind = number
	case of.kind == number && kind == integer:
	case of.kind != kind:
		return &FieldError{field, fmt.Sprintf("it is %s here, but %s in an earlier record; a column has one type",
			names[kind], names[of.kind])}
	}
	of.wide = of.wide || wide
	if of.kind == number && of.wide {
		return &FieldError{field, "one number has a fraction, and another number is a whole number of more than 53 " +
			"bits: no type of a column can store both"}
	}
	switch kind {
	case list:
		if of.fields == nil {
			of.fields = []*column{{name: "element"}}
		}
		for i, item := range jsontext.Items(value) {
			if err := c.value(of.fields[0], field+"["+strconv.Itoa(i)+"]", item, depth+1); err != nil {
				return err
			}
		}
	case object:
		if of.at == nil {
			of.at = map[string]int{}
		}
		return c.fields(of, field+".", jsontext.Items(value), depth)
	default:
	}
	return nil
}

// wholeNumber matches a number without a fraction and an exponent.
var wholeNumber = regexp.MustCompile(`^-?\d+$`)

// maxExact is the greatest integer up to which float64 represents all integers.
const maxExact = 1 << 53

// kindOf returns the kind of a value; wide reports an integer that float64 may not represent.
func kindOf(value json.RawMessage) (k kind, wide bool, fault string) {
	switch jsontext.TypeOf(value) {
	case jsontext.Bool:
		return boolean, false, ""
	case jsontext.String:
		return text, false, ""
	case jsontext.Array:
		return list, false, ""
	case jsontext.Object:
		return object, false, ""
	case jsontext.Number:
		if wholeNumber.Match(value) {
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return unknown, false, fmt.Sprintf("the number %.30s has more than 64 bits", value)
			}
			return integer, n > maxExact || n < -maxExact, ""
		}
		if f, err := strconv.ParseFloat(string(value), 64); err != nil || math.IsInf(f, 0) {
			return unknown, false, fmt.Sprintf("the number %.30s has more than 64 bits", value)
		}
		return number, false, ""
	default:
		return unknown, false, ""
	}
}
