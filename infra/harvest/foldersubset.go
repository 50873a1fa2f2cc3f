package main

import (
	"io"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// imagesFolder is the folder of images next to a subset that names them.
const imagesFolder = "images"

// A folderSubset writes records as a JSON array, and their images to a folder next to it, each once and named by its
// content. Records name them relative to where the array lies.
type folderSubset struct {
	records *dataset.Writer
	images  imageFolder
}

// newFolderSubset begins a subset whose images are written to a folder below scratch.
func newFolderSubset(w io.Writer, scratch string) *folderSubset {
	return &folderSubset{
		records: dataset.NewWriter(w, dataset.Array, dataset.Part{First: true, Last: true}),
		images:  imageFolder{to: scratch, written: map[string]bool{}},
	}
}

// folder is that of the images.
func (s *folderSubset) folder() string { return filepath.Join(s.images.to, imagesFolder) }

// name writes images, and returns their names.
func (s *folderSubset) name(shown [][]byte) ([]string, error) {
	names := []string{}
	for _, data := range shown {
		name, err := s.images.write(data)
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

// close ends the array, and lists the images as files of this program.
func (s *folderSubset) close() error {
	if err := makeOut(s.folder()); err != nil {
		return err
	}
	var names []string
	for name := range s.images.written {
		names = append(names, filepath.Base(name))
	}
	if err := announce(s.folder(), names); err != nil {
		return err
	}
	return s.records.Close()
}
