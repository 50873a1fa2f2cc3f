package main

import (
	"io"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// imagesFolder is the folder of images next to a subset that names them.
const imagesFolder = "images"

// A placement puts an image of a sample, by its number from 0, where records name it, and returns that name.
type placement interface {
	place(s *dataset.Sample, number int, image []byte) (name string, err error)
	// files are the names of what it has put into the folder of images; nil where it has none.
	files() []string
}

// A folderSubset writes records as JSON, and puts their images where these name them.
type folderSubset struct {
	records *dataset.Writer
	images  placement
	to      string // folder that the images' folder is in
}

// newFolderSubset begins a subset, a JSON array, whose images are written to a folder below scratch, each once and
// named by its content. Records name them relative to where the array is.
func newFolderSubset(w io.Writer, scratch string) *folderSubset {
	return &folderSubset{
		records: dataset.NewWriter(w, dataset.Array, dataset.Part{First: true, Last: true}),
		images:  &imageFolder{to: scratch, written: map[string]bool{}},
		to:      scratch,
	}
}

// folder is the folder of the images.
func (s *folderSubset) folder() string { return filepath.Join(s.to, imagesFolder) }

// name puts images in their places, and returns their names.
func (s *folderSubset) name(sample *dataset.Sample, shown [][]byte) ([]string, error) {
	names := []string{}
	for i, data := range shown {
		name, err := s.images.place(sample, i, data)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (s *folderSubset) write(record []byte, _ *dataset.Sample, _ [][]byte) error {
	return s.records.Write(record)
}

// close ends the records, and lists the images as files of this program.
func (s *folderSubset) close() error {
	if names := s.images.files(); names != nil {
		if err := makeOut(s.folder()); err != nil {
			return err
		}
		if err := announce(s.folder(), names); err != nil {
			return err
		}
	}
	return s.records.Close()
}
