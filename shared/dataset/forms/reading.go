package forms

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Reading says how to read the records of a manifest, where the records themselves do not show it. The zero value
// says nothing. It is part of a run's identity.
type Reading struct {
	// Form is the name of the form that all records are read as. Where it is empty, each shows its own.
	Form string `json:"form,omitempty" yaml:"form,omitempty"`
	// Columns and Tags are as in LLaMA-Factory's dataset_info.json: the names of the fields for each content, such as
	// "messages": "chats", and the names of roles and of a turn's fields, such as "user_tag": "USER".
	Columns map[string]string `json:"columns,omitempty" yaml:"columns,omitempty"`
	Tags    map[string]string `json:"tags,omitempty" yaml:"tags,omitempty"`
	// Root is the folder, relative to the dataset's images, that relative image names begin in.
	Root string `json:"root,omitempty" yaml:"root,omitempty"`
	// Source is the source of records which name none; the folder of their images if empty.
	Source string `json:"source,omitempty" yaml:"source,omitempty"`
}

// IsZero reports whether the reading says nothing.
func (r Reading) IsZero() bool {
	return r.Form == "" && len(r.Columns) == 0 && len(r.Tags) == 0 && r.Root == "" && r.Source == ""
}

// Validate refuses an unknown form; the error names the nearest form and lists all.
func (r Reading) Validate() error {
	if r.Form == "" {
		return nil
	}
	names := Names()
	for _, name := range names {
		if strings.EqualFold(name, r.Form) {
			return nil
		}
	}
	hint := spelling.Hint(r.Form, names)
	for _, name := range names {
		if hint == "" && strings.Contains(strings.ToLower(name), strings.ToLower(r.Form)) {
			hint = spelling.Hint(name, names)
		}
	}
	return fmt.Errorf("%q is not a form of records%s The forms are: %s",
		r.Form, cmp.Or(hint, "."), strings.Join(names, "; "))
}

// Parser returns what reads records so. The error is that of Validate.
func (r Reading) Parser() (dataset.Parser, error) {
	table, err := r.table()
	if err != nil {
		return nil, err
	}
	return func(raw []byte, place dataset.Place) *dataset.Sample {
		p := parser{Sample: dataset.NewSample(raw, place), reading: &r}
		p.parse(table)
		return p.Sample
	}, nil
}

// table are the forms that records are written in under the reading. The error is that of Validate.
func (r Reading) table() ([]Form, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	table := Table()
	for _, form := range table {
		if strings.EqualFold(form.Name, r.Form) {
			form.is = func(record) bool { return true }
			return []Form{form}, nil
		}
	}
	return table, nil
}

// usual are the forms of Parse, made once. They are shared: do not change them.
var usual = sync.OnceValue(Table)

// Parse reads one record as its content shows.
func Parse(raw []byte, place dataset.Place) *dataset.Sample {
	p := parser{Sample: dataset.NewSample(raw, place), reading: &Reading{}}
	p.parse(usual())
	return p.Sample
}

// column is the field of a column of LLaMA-Factory's, else the usual one.
func (r *Reading) column(column, usual string) string {
	if field := r.Columns[column]; field != "" {
		return field
	}
	return usual
}

// tagged are the names of a field of a turn: that of a tag of LLaMA-Factory's first.
func (r *Reading) tagged(tag string, names ...string) []string {
	if name := r.Tags[tag]; name != "" {
		return append([]string{name}, names...)
	}
	return names
}

// role is the role of a name, "" for an unknown one.
func (r *Reading) role(name string) dataset.Role {
	for _, tag := range []struct {
		name string
		role dataset.Role
	}{
		{"user_tag", dataset.Human}, {"assistant_tag", dataset.Model}, {"system_tag", dataset.System},
		{"observation_tag", dataset.Tool}, {"function_tag", dataset.Tool},
	} {
		if tagged := r.Tags[tag.name]; tagged != "" && tagged == name {
			return tag.role
		}
	}
	return roleOf(name)
}

// under is the name of an image relative to the dataset's images.
func (r *Reading) under(name string) string {
	clean := strings.ReplaceAll(name, `\`, "/")
	if r.Root == "" || path.IsAbs(clean) || strings.Contains(clean, ":") {
		return name
	}
	return strings.TrimSuffix(r.Root, "/") + "/" + name
}
