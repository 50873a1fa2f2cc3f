package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A tarSubset writes records and their images as a WebDataset tar. Each sample is members of one key, its number in the
// subset: images in their order, and the record, which names them. The same samples are the same bytes.
type tarSubset struct {
	archive *tar.Writer
	images  *datasetImages
	memory  *memory.Budget
	samples int // so far
}

// newTarSubset begins a tar. The images are read where they lie on this machine.
func (f outputFolder) newTarSubset(ctx context.Context, w io.Writer) (*tarSubset, error) {
	if f.input == nil {
		return nil, usageError{fmt.Errorf("--output-format %s: it takes the images into the subset, and this command cannot "+
			"reach those of a run that it did not start; leave the flag out", f.format)}
	}
	limits, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	budget, err := imageMemory(limits.Images, kinds.Config{})
	if err != nil {
		return nil, err
	}
	opened, err := f.input.openImages(ctx, limits.Images, limits.Compressed)
	if err != nil {
		return nil, err
	}
	return &tarSubset{archive: tar.NewWriter(w), images: opened, memory: budget}, nil
}

// write adds a record of a manifest, converted, and its images. A *forms.LossError says what would be lost.
func (t *tarSubset) write(ctx context.Context, manifest int, record []byte, place dataset.Place) error {
	s := forms.Parse(record, place)
	hold := t.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := t.images.Fetch(ctx, manifest, s, hold)
	if err != nil {
		return err
	}
	if fault != nil { // it has changed since it was scored
		return fmt.Errorf("--output-format %s: sample %s: %s: %s; put the image where it was, or leave the sample out "+
			"with --exclude", forms.WebDataset, spelling.Shown(s.ID), fault.Code.Text(fault.Field), fault.Detail)
	}
	var names []string
	for i, data := range fetched.Images {
		extension, err := images.Extension(data)
		if err != nil {
			return fmt.Errorf("--output-format %s: sample %s: image %d: %w", forms.WebDataset, spelling.Shown(s.ID), i+1, err)
		}
		names = append(names, fmt.Sprintf("%s.%d.%s", t.key(), i, extension))
	}
	if record, err = forms.WithMembers(record, s, names); err != nil {
		return err
	}
	for i, data := range fetched.Images {
		if err := t.add(names[i], data); err != nil {
			return err
		}
	}
	err = t.add(t.key()+".json", record)
	t.samples++
	return err
}

// key is that of the next sample. Loaders end it at the first dot.
func (t *tarSubset) key() string { return fmt.Sprintf("%09d", t.samples) }

// add adds a member, whose header says nothing of when and by whom it was written.
func (t *tarSubset) add(name string, content []byte) error {
	err := t.archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644, ModTime: time.Unix(0, 0),
	})
	if err == nil {
		_, err = t.archive.Write(content)
	}
	return err
}

// close ends the tar, if it is whole, and the reading of images.
func (t *tarSubset) close(whole bool) error {
	err := t.images.Close()
	if whole {
		err = errors.Join(err, t.archive.Close())
	}
	return err
}
