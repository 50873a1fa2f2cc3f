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

// A Reading has the properties of a manifest's records that the records themselves do not show. The zero value has
// none. A Reading is part of a run's identity.
type Reading struct {
	// Form is the name of the form in which all records are read. If it is empty, each record shows its form.
	Form string `json:"form,omitempty" yaml:"form,omitempty"`
	// Columns and Tags are those of LLaMA-Factory's dataset_info.json. Columns has names of fields, such as "messages":
	// "chats". Tags has names of roles and of a turn's fields, such as "user_tag": "USER".
	Columns map[string]string `json:"columns,omitempty" yaml:"columns,omitempty"`
	Tags    map[string]string `json:"tags,omitempty" yaml:"tags,omitempty"`
	// Root is the folder to which image names are relative. It is itself relative to the dataset's images.
	Root string `json:"root,omitempty" yaml:"root,omitempty"`
	// Source is the source of records that name no source. If it is empty, the folder of their images is used.
	Source string `json:"source,omitempty" yaml:"source,omitempty"`
}

// IsZero reports whether the reading is the zero value.
func (r Reading) IsZero() bool {
	return r.Form == "" && len(r.Columns) == 0 && len(r.Tags) == 0 && r.Root == "" && r.Source == ""
}

// Validate returns an error if the form is unknown. The error names the nearest form, and lists all forms.
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

// Parser returns a parser of records with this reading. The error is that of Validate.
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

// table returns the forms that records of this reading may have. The error is that of Validate.
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

// usual returns the forms for Parse. The result is shared: do not change it.
var usual = sync.OnceValue(Table)

// Parse parses one record. The record's content shows its form.
func Parse(raw []byte, place dataset.Place) *dataset.Sample {
	p := parser{Sample: dataset.NewSample(raw, place), reading: &Reading{}}
	p.parse(usual())
	return p.Sample
}

// column returns the field that Columns has for this column of LLaMA-Factory, or the usual field.
func (r *Reading) column(column, usual string) string {
	if field := r.Columns[column]; field != "" {
		return field
	}
	return usual
}

// tagged returns the possible names of a field of a turn. If Tags has a name for this tag, it is the first.
func (r *Reading) tagged(tag string, names ...string) []string {
	if name := r.Tags[tag]; name != "" {
		return append([]string{name}, names...)
	}
	return names
}

// role returns the role that has this name; "" if the name is unknown.
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

// under returns the name of an image relative to the dataset's images.
func (r *Reading) under(name string) string {
	clean := strings.ReplaceAll(name, `\`, "/")
	if r.Root == "" || path.IsAbs(clean) || strings.Contains(clean, ":") {
		return name
	}
	return strings.TrimSuffix(r.Root, "/") + "/" + name
}
