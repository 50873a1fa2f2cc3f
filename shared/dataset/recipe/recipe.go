// Package recipe reads files that list the manifests of a dataset, and how to read each manifest: dataset.yaml,
// LLaMA-Factory's dataset_info.json, the meta files of InternVL, and the mixes of LLaVA-OneVision. It also writes such
// a file for a subset.
package recipe

import (
	"bytes"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// MaxBytes is the size limit of a recipe. A longer file is a manifest.
const MaxBytes = 4 << 20

// A Kind is a kind of recipe, as messages name it.
type Kind string

// The kinds of recipes.
const (
	DatasetInfo Kind = "dataset_info.json of LLaMA-Factory"
	InternVL    Kind = "meta file of InternVL"
	OneVision   Kind = "mix of LLaVA-OneVision"
	Spec        Kind = "dataset.yaml"
)

// A Recipe lists the manifests of a dataset.
type Recipe struct {
	Kind    Kind
	Entries []Entry
}

// An Entry is a manifest as a recipe lists it.
type Entry struct {
	// Name is the name of the entry in the recipe. If the entry has no name, it is the stem of the file.
	Name string
	// File is the path of the manifest in the recipe.
	File    string
	Reading forms.Reading
	// Images is the folder that image names are relative to, as in the recipe; empty if the recipe has none.
	Images string
	Take   dataset.Take
	// Repeat is the number of times that a trainer uses each record; 0 means once. A subset does not repeat records.
	Repeat float64

	fields jsontext.Members // the fields of the entry in a JSON recipe
}

// A Part is a file of a subset: the selected records of an entry.
type Part struct {
	Entry
	File    string // relative to the recipe
	Records int
}

// Parse reads a recipe. It returns nil for a file that is not a recipe, such as a manifest. Errors name the entry and
// the fix.
func Parse(content []byte) (*Recipe, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	if len(trimmed) == 0 || len(trimmed) > MaxBytes || trimmed[0] == '[' { // a list of records is a manifest
		return nil, nil
	}
	if trimmed[0] != '{' {
		return parseYAML(trimmed)
	}
	if jsontext.SyntaxError(trimmed) != nil {
		return nil, nil
	}
	var kind Kind
	top := jsontext.Members(jsontext.Items(trimmed))
	for _, value := range top.Values() {
		if jsontext.TypeOf(value) != jsontext.Object {
			return nil, nil
		}
		if kind == "" {
			kind = kindOf(jsontext.Items(value))
		}
	}
	read := map[Kind]func(jsontext.Members) (Entry, error){DatasetInfo: infoEntry, InternVL: metaEntry}[kind]
	if read == nil {
		return nil, nil
	}
	r := &Recipe{Kind: kind}
	for i := 0; i < len(top); i += 2 {
		name := jsontext.Text(top[i])
		entry, err := read(jsontext.Items(top[i+1]))
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", name, err)
		}
		entry.Name, entry.Reading.Source, entry.fields = name, name, jsontext.Items(top[i+1])
		r.Entries = append(r.Entries, entry)
	}
	return r, nil
}

// kindOf finds the kind of a JSON recipe from the fields of an entry. It returns "" for other files.
func kindOf(fields jsontext.Members) Kind {
	is := func(key string) bool { return jsontext.TypeOf(fields.Get(key)) == jsontext.String }
	switch {
	case is("annotation"):
		return InternVL
	case is("file_name"), is("hf_hub_url"), is("ms_hub_url"), is("om_hub_url"), is("script_url"), is("cloud_file_name"):
		return DatasetInfo
	default:
		return ""
	}
}

// Write returns a recipe of kind k that lists the parts of a subset. The recipe takes all records of each part.
func (k Kind) Write(parts []Part) ([]byte, error) {
	switch k {
	case DatasetInfo:
		return writeObject(parts, infoFields)
	case InternVL:
		return writeObject(parts, metaFields)
	case OneVision:
		return writeMix(parts)
	default:
		return writeSpec(parts)
	}
}
