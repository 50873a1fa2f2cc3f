package main

import (
	"archive/tar"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
)

// A tarSubset writes records and their images as a WebDataset tar. The key of a sample is its number in the subset. Its
// members are the images, in their order, and the record, which names the images. The same samples give the same bytes.
type tarSubset struct {
	archive *tar.Writer
	samples int      // number of samples so far
	members []string // members of the next sample's images
}

func newTarSubset(w io.Writer) *tarSubset { return &tarSubset{archive: tar.NewWriter(w)} }

// name returns the names of the images' members in the tar.
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

// add adds a member. The member's header has neither time nor owner.
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
