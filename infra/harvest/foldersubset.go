package main

import (
	"io"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// imagesFolder is the name of the folder next to a subset with the images of its records.
const imagesFolder = "images"

// A placement stores an image of a sample, and returns the image's name in records. number is the image's number in the
// sample, from 0.
type placement interface {
	place(s *dataset.Sample, number int, image []byte) (name string, err error)
	// files returns the names of the files that it wrote into the folder of images; nil if there is no such folder.
	files() []string
}

// A folderSubset writes records as JSON, and stores their images at the places that the records name.
type folderSubset struct {
	records *dataset.Writer
	images  placement
	to      string // parent of the folder of images
}

// newFolderSubset begins a subset, which is a JSON array. It writes each image once, named by its content, to a folder
// below scratch. Records name images relative to the array's folder.
func newFolderSubset(w io.Writer, scratch string) *folderSubset {
	return &folderSubset{
		records: dataset.NewWriter(w, dataset.Array, dataset.Part{First: true, Last: true}),
		images:  &imageFolder{to: scratch, written: map[string]bool{}},
		to:      scratch,
	}
}

// folder returns the folder of the images.
func (s *folderSubset) folder() string { return filepath.Join(s.to, imagesFolder) }

// name stores images, and returns their names.
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

// close completes the file of records, and lists the images as files of this program.
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
