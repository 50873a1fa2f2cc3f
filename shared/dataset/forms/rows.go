package forms

import (
	"cmp"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// Rows checks that all rows of a file are of one kind. A row is a record that was converted to the file's form. Only
// TRL has two kinds: rows with a prompt and its completion, and rows with messages. TRL decides by the first row how it
// reads the file.
type Rows struct {
	form  string
	first string // the field that holds the turns of the first record; empty before it
}

// NewRows returns Rows without records, for the form of that name.
func NewRows(form string) *Rows { return &Rows{form: form} }

// Add adds a record that was converted to the form. A *LossError says that it is of another kind than the first record.
func (r *Rows) Add(record []byte) error {
	if r.form != TRL {
		return nil
	}
	field := "messages"
	if jsontext.Members(jsontext.Items(record)).Get("completion") != nil {
		field = "completion"
	}
	if r.first = cmp.Or(r.first, field); r.first == field {
		return nil
	}
	return &LossError{field, "an earlier record has " + r.first + " instead, and TRL reads only one kind of rows in a " +
		"file; make a dataset of each kind"}
}
