// Package table writes records of JSON and their images as a Parquet file that Hugging Face's datasets library loads
// with its images: each field is a column of one type. It reads the records twice: once to find the columns, and once
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

// A kind is what the values of a column are.
type kind int

const (
	unknown kind = iota // no record has a value: the column is one of text
	boolean
	integer // of 64 bits
	number  // float64
	text
	list
	object
	images // the images of a record, whatever is in it
)

// names are how messages name the kinds.
var names = map[kind]string{
	boolean: "true or false", integer: "a number", number: "a number", text: "text", list: "a list", object: "an object",
}

const (
	// maxDepth is how many lists and objects may be nested.
	maxDepth = 40
	// maxColumns is the most leaves of the columns: readers take time and memory for each, in each row group.
	maxColumns = 2000
)

// A column holds a field, the elements of a list, or all fields.
type column struct {
	name string
	kind kind
	wide bool // float64 cannot hold one of its integers
	// fields are the fields of an object, in the order of their first occurrence; at has the place of each. For a list,
	// the only field is its element.
	fields []*column
	at     map[string]int
	// first is the number of the first leaf, leaves the number of leaves.
	first, leaves int
}

// Columns are the columns of records. A field has one type in all of them.
type Columns struct {
	root   column
	images string // field
	leaves int
}

// A FieldError says why a record cannot be a row.
type FieldError struct {
	Field  string // its path in the record
	Detail string
}

// Error is the field and why.
func (e *FieldError) Error() string { return e.Field + ": " + e.Detail }

// NewColumns are columns of no records yet. The field of a name holds the images of a record.
func NewColumns(imagesField string) *Columns {
	return &Columns{root: column{kind: object, at: map[string]int{}}, images: imagesField}
}

// Add takes in a record, which is a JSON object in valid UTF-8. A *FieldError names a field whose type differs from the
// records before, or cannot be stored in a column.
func (c *Columns) Add(record []byte) error {
	return c.fields(&c.root, "", jsontext.Items(record), 0)
}

// fields takes in the fields of an object.
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
				return &FieldError{field, fmt.Sprintf("with it there are more than %d fields, and programs do not read a "+
					"table of this many columns", maxColumns)}
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

// value takes in a value of a column.
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
		return &FieldError{field, fmt.Sprintf("it is %s here, and %s in a record before, and a column has one type",
			names[kind], names[of.kind])}
	}
	of.wide = of.wide || wide
	if of.kind == number && of.wide {
		return &FieldError{field, "one of its numbers has a fraction, and another one is a whole number of more than 53 " +
			"bits: no type of a column holds both"}
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

// maxExact is the greatest integer below which float64 holds all.
const maxExact = 1 << 53

// kindOf is the kind of a value; wide reports an integer that float64 cannot hold.
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
