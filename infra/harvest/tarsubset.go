package main

import (
	"archive/tar"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
)

// A tarSubset writes records and their images as a WebDataset tar. The members of a sample have its number in the
// subset as their key: images in their order, and the record, which names them. The same samples give the same bytes.
type tarSubset struct {
	archive *tar.Writer
	samples int      // so far
	members []string // images of the next sample
}

func newTarSubset(w io.Writer) *tarSubset { return &tarSubset{archive: tar.NewWriter(w)} }

// name returns names of images as members of the tar.
func (t *tarSubset) name(_ *dataset.Sample, shown [][]byte) ([]string, error) {
	t.members = []string{}
	for i, data := range shown {
		extension, err := images.Extension(data)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", i+1, err)
		}
		t.members = append(t.members, fmt.Sprintf("%s.%d.%s", t.key(), i, extension))
	}
	return t.members, nil
}

// write adds the members of a sample.
func (t *tarSubset) write(record []byte, _ *dataset.Sample, shown [][]byte) error {
	for i, data := range shown {
		if err := t.add(t.members[i], data); err != nil {
			return err
		}
	}
	err := t.add(t.key()+".json", record)
	t.samples++
	return err
}

// key returns the key of the next sample. It has no dot, because loaders end a key at the first dot.
func (t *tarSubset) key() string { return fmt.Sprintf("%09d", t.samples) }

// add adds a member. Its header has neither time nor owner.
func (t *tarSubset) add(name string, content []byte) error {
	err := t.archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644, ModTime: time.Unix(0, 0),
	})
	if err == nil {
		_, err = t.archive.Write(content)
	}
	return err
}

func (t *tarSubset) close() error { return t.archive.Close() }
