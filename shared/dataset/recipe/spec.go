package recipe

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A spec has the fields of a dataset.yaml that list manifests. The other fields, such as budget, are for a service. The
// command line has flags for them.
type spec struct {
	Manifests []string                 `yaml:"manifests"`
	Images    string                   `yaml:"images,omitempty"`
	Format    string                   `yaml:"format,omitempty"`
	Readings  map[string]forms.Reading `yaml:"readings,omitempty"`
	Takes     map[string]dataset.Take  `yaml:"takes,omitempty"`
}

// parseYAML parses a recipe in YAML. It returns nil for other files.
func parseYAML(content []byte) (*Recipe, error) {
	var probe struct {
		mix  `yaml:",inline"`
		spec `yaml:",inline"`
	}
	err := yaml.Unmarshal(content, &probe)
	switch {
	case len(probe.Datasets) > 0:
		return parseMix(probe.mix)
	case len(probe.Manifests) == 0:
		return nil, misspelt(content, err)
	case err != nil:
		return nil, spelling.YAML(err, probe.spec)
	}
	return parseSpec(content)
}

// misspelt returns an error if a dataset.yaml has a misspelt key manifests, or one that is not a list. It returns nil
// for other files.
func misspelt(content []byte, fault error) error {
	var top map[string]yaml.Node
	if yaml.Unmarshal(content, &top) != nil {
		return nil
	}
	if _, there := top["manifests"]; there {
		if fault != nil {
			return spelling.YAML(fault, spec{})
		}
		return errors.New("manifests: the list is empty; list at least one manifest, or a pattern such as *.json")
	}
	for _, key := range slices.Sorted(maps.Keys(top)) {
		if hint := spelling.Hint(key, []string{"manifests"}); hint != "" {
			return fmt.Errorf("line %d: there is no key %q%s", top[key].Line, key, hint)
		}
	}
	return nil
}

func parseSpec(content []byte) (*Recipe, error) {
	var listed spec
	strict := yaml.NewDecoder(bytes.NewReader(content))
	strict.KnownFields(true)
	if err := strict.Decode(&listed); err != nil {
		return nil, fmt.Errorf("%w; this command reads only manifests, images, format, readings and takes: remove other "+
			"fields, and use the command's flags", spelling.YAML(err, listed))
	}
	for name := range listed.Readings {
		if !slices.Contains(listed.Manifests, name) {
			return nil, fmt.Errorf("readings: %q is not one of the manifests%s", name, spelling.Hint(name, listed.Manifests))
		}
	}
	for name := range listed.Takes {
		if !slices.Contains(listed.Manifests, name) {
			return nil, fmt.Errorf("takes: %q is not one of the manifests%s", name, spelling.Hint(name, listed.Manifests))
		}
	}
	r := &Recipe{Kind: Spec}
	for _, name := range listed.Manifests {
		e := Entry{
			Name: dataset.Stem(path.Base(name)), File: name, Images: strings.TrimSuffix(listed.Images, "/"),
			Reading: listed.Readings[name], Take: listed.Takes[name],
		}
		e.Reading.Form = cmp.Or(e.Reading.Form, listed.Format)
		if err := e.Reading.Validate(); err != nil {
			return nil, fmt.Errorf("manifests: %s: form: %w", name, err)
		}
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

// writeSpec returns a dataset.yaml of the parts, with all of their records.
func writeSpec(parts []Part) ([]byte, error) {
	listed := spec{Readings: map[string]forms.Reading{}}
	for _, part := range parts {
		listed.Manifests = append(listed.Manifests, part.File)
		if listed.Images = part.Images; !part.Reading.IsZero() {
			listed.Readings[part.File] = part.Reading
		}
	}
	return yaml.Marshal(listed)
}
