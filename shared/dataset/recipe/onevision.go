package recipe

import (
	"fmt"
	"path"

	"go.yaml.in/yaml/v3"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A mix is a file of LLaVA-OneVision that lists the parts of a dataset.
type mix struct {
	Datasets []mixPart `yaml:"datasets"`
}

type mixPart struct {
	JSONPath string `yaml:"json_path"`
	Strategy string `yaml:"sampling_strategy"`
}

// parseMix converts a mix to a recipe.
func parseMix(listed mix) (*Recipe, error) {
	r := &Recipe{Kind: OneVision}
	for i, part := range listed.Datasets {
		if part.JSONPath == "" {
			return nil, fmt.Errorf("datasets[%d].json_path: it is missing; set it to the file of the records", i)
		}
		take, err := dataset.ParseTake(part.Strategy)
		if err != nil {
			return nil, fmt.Errorf("datasets[%d], %s: sampling_strategy: %w", i, part.JSONPath, err)
		}
		name := dataset.Stem(path.Base(part.JSONPath))
		e := Entry{Name: name, File: part.JSONPath, Take: take}
		e.Reading.Source = name
		r.Entries = append(r.Entries, e)
	}
	return r, nil
}

// writeMix returns a mix of the parts, with all of their records.
func writeMix(parts []Part) ([]byte, error) {
	var listed mix
	for _, part := range parts {
		listed.Datasets = append(listed.Datasets, mixPart{JSONPath: part.File, Strategy: dataset.Take{}.String()})
	}
	return yaml.Marshal(listed)
}
