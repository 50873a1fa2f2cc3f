package finetuning

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// An Example is an annotated sample for training.
type Example struct {
	annotation.Annotation
	Texts []string // texts of the sample's turns
	// Images are the names of the sample's images. Equal images have equal names.
	Images []string
}

// A File has the name of one of the files, and counts of its content.
type File struct {
	Name    string `json:"name"`
	Samples int    `json:"samples"` // number of samples with an item in the file
	Items   int    `json:"items"`
}

// Write writes the four files, each as an array of items, and returns their counts. seed determines the split into
// training and validation. create must make a file with this name, and call write to write its content. If create
// returns an error, Write returns the error.
func Write(
	examples []Example, rub *rubric.Rubric, seed uint64, create func(name string, write func(io.Writer) error) error,
) ([]File, error) {
	members := make([]Member, len(examples))
	for i, e := range examples {
		members[i] = Member{ID: e.ID, Images: e.Images}
	}
	validation := Split(members, seed)
	var files []File
	for _, f := range []struct {
		name       string
		validation bool
		items      func(annotation.Annotation, []string, []string, *rubric.Rubric) []Item
	}{
		{ScorerTrain, false, ScorerItems},
		{ScorerValidation, true, ScorerItems},
		{StylerTrain, false, StylerItems},
		{StylerValidation, true, StylerItems},
	} {
		file := File{Name: f.name}
		err := create(f.name, func(w io.Writer) error {
			out := dataset.NewWriter(w, dataset.Array, dataset.Part{First: true, Last: true})
			for i, e := range examples {
				if validation[i] != f.validation {
					continue
				}
				items := f.items(e.Annotation, e.Texts, e.Images, rub)
				for _, item := range items {
					if err := writeItem(out, item); err != nil {
						return err
					}
				}
				if len(items) > 0 {
					file.Samples++
					file.Items += len(items)
				}
			}
			return out.Close()
		})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// writeItem writes an item as one record.
func writeItem(out *dataset.Writer, item Item) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(item); err != nil {
		return fmt.Errorf("item %s: %w", spelling.Shown(item.ID), err)
	}
	return out.Write(bytes.TrimSpace(line.Bytes()))
}
