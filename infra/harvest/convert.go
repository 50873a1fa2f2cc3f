package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A conversion writes the samples of a subset in another form, one after the other.
type conversion interface {
	// name returns the names that the images of the next sample s get in the new form.
	name(s *dataset.Sample, images [][]byte) ([]string, error)
	// write writes the converted record of the next sample, and its images.
	write(record []byte, s *dataset.Sample, images [][]byte) error
	close() error
}

// containedIn returns the kind of container of the unconverted subset; empty for text.
func (f outputFolder) containedIn() dataset.Format {
	format := dataset.Format(strings.TrimPrefix(path.Ext(f.selection.Outputs.Subset), "."))
	if _, contained := kinds.ByFormat(format); contained {
		return format
	}
	return ""
}

// asked returns the flag that requested the form, with its value.
func (f outputFolder) asked() string {
	if f.trainer != "" {
		return "--for " + f.trainer
	}
	return "--output-format " + f.format
}

// converts reports whether the subset's records are written in another form. Records of a container are already in the
// form of that container.
func (f outputFolder) converts() bool {
	return f.format != "" && containerForms[f.format] != cmp.Or(f.containedIn(), "text")
}

// containerForms are the forms that are containers, by their names.
var containerForms = map[string]dataset.Format{forms.WebDataset: dataset.Tar, forms.Parquet: dataset.Parquet}

// subsetName returns the name of the file of the subset.
func (f outputFolder) subsetName() string {
	switch {
	case !f.converts():
	case containerForms[f.format] != "":
		return "subset." + string(containerForms[f.format])
	case f.containedIn() != "":
		return "subset." + string(dataset.Array)
	}
	return path.Base(f.selection.Outputs.Subset)
}

// A convertedSubset is a subset in another form, in a temporary folder inside the output folder.
type convertedSubset struct {
	file   string
	images string // folder of the images that its records name; empty if records name the original images
}

// writeTo copies the file.
func (c convertedSubset) writeTo(w io.Writer) error {
	file, err := os.Open(c.file)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// installImages moves the folder of images, if there is one, into an output folder, where it replaces the images of an
// earlier selection. It returns the folder's new place.
func (c convertedSubset) installImages(ctx context.Context, dir string, notes io.Writer) (folder string, err error) {
	if c.images == "" {
		return "", nil
	}
	folder = filepath.Join(dir, imagesFolder)
	if _, err := os.Stat(folder); err == nil {
		if err := removeOwn(ctx, folder, notes); err != nil {
			return "", err
		}
	}
	return folder, os.Rename(c.images, folder)
}

// keeps returns the names of the files and folders to keep in an output folder: files, and the folder of images.
func (c convertedSubset) keeps(files []string) []string {
	if c.images == "" {
		return files
	}
	return append(slices.Clone(files), imagesFolder)
}

// converted writes the subset with its records in another form to the folder scratch.
func (f outputFolder) converted(ctx context.Context, scratch string) (convertedSubset, error) {
	object := f.selection.Outputs.Subset
	stored, to := filepath.Join(scratch, path.Base(object)), convertedSubset{file: filepath.Join(scratch, "converted")}
	err := writeScratch(stored, func(w io.Writer) error { return f.subsets.CopyOutput(ctx, f.selection, object, w) })
	if err == nil {
		err = writeScratch(to.file, func(w io.Writer) (err error) {
			to.images, err = f.convert(ctx, w, stored, scratch)
			return err
		})
	}
	return to, err
}

// convert writes the records of the stored subset in the other form. It returns the folder of the images of these
// records.
func (f outputFolder) convert(ctx context.Context, w io.Writer, stored, scratch string) (images string, err error) {
	var to conversion
	switch {
	case f.format == forms.WebDataset:
		to = newTarSubset(w)
	case f.format == forms.Parquet:
		if to, err = f.newParquetSubset(ctx, w, stored); err != nil {
			return "", err
		}
	case f.containedIn() != "":
		folder := newFolderSubset(w, scratch)
		to, images = folder, folder.folder()
	default:
		return "", f.convertText(ctx, w, stored)
	}
	return images, f.convertTo(ctx, to, stored)
}

// convertTo writes the records of the stored subset, and their images, to a conversion.
func (f outputFolder) convertTo(ctx context.Context, to conversion, stored string) error {
	from, err := f.openSubsetImages(ctx, stored)
	if err != nil {
		return err
	}
	var fetched [][]byte
	err = f.convertRecords(ctx, stored, func(s *dataset.Sample) (names []string, err error) {
		if fetched, err = from.fetch(ctx, s); err != nil {
			return nil, err
		}
		if names, err = to.name(s, fetched); err != nil {
			return nil, fmt.Errorf("%s: sample %s: %w", f.asked(), spelling.Shown(s.ID), err)
		}
		return names, nil
	}, func(record []byte, s *dataset.Sample) error { return to.write(record, s, fetched) })
	if err == nil {
		err = to.close()
	}
	return errors.Join(err, from.Close())
}

// convertText converts records to a text form. The records keep the names of their images.
func (f outputFolder) convertText(ctx context.Context, w io.Writer, stored string) error {
	format := dataset.Format(strings.TrimPrefix(path.Ext(stored), "."))
	out := dataset.NewWriter(w, format, dataset.Part{First: true, Last: true})
	keep := func(*dataset.Sample) ([]string, error) { return nil, nil }
	err := f.convertRecords(ctx, stored, keep, func(record []byte, _ *dataset.Sample) error { return out.Write(record) })
	if err != nil {
		return err
	}
	return out.Close()
}

// convertRecords converts each record of the stored subset, and calls use with the result and the original sample.
// Before that, it calls name for the names of the sample's images. The subset holds the samples in the order of the
// manifests. Each sample is read as in the run, so that it has the same id. If records would lose content, the error is
// one *lossyError for all of these records.
func (f outputFolder) convertRecords(
	ctx context.Context, stored string, name func(s *dataset.Sample) ([]string, error),
	use func(record []byte, s *dataset.Sample) error,
) error {
	from, err := openSubset(ctx, stored)
	if err != nil {
		return err
	}
	defer from.Close()
	place, stop := iter.Pull2(f.subsets.SelectedPlaces(ctx, f.selection))
	defer stop()
	var losses conversionLosses
	rows := forms.NewRows(f.format)
	for _, m := range f.selection.Manifests {
		convert, err := m.Reading.Converter(f.format)
		if err != nil {
			return err
		}
		parse, err := m.Reading.Parser()
		if err != nil {
			return err
		}
		err = from.each(m.Selected, func(_ int, record dataset.Record) error {
			place, err, ok := place()
			if err == nil && !ok {
				err = fmt.Errorf("%s: it has more records than were selected", stored)
			}
			if err != nil {
				return err
			}
			s := parse(record.Raw, place)
			s.Stored = record.Stored
			names, err := name(s)
			if err != nil {
				return err
			}
			converted, err := convert(record.Raw, place, names)
			if err == nil {
				err = rows.Add(converted)
			}
			if err == nil {
				err = use(converted, s)
			}
			return losses.add(err, s)
		})
		if err != nil {
			return err
		}
	}
	if losses.lossy > 0 {
		return &lossyError{f, &losses}
	}
	return nil
}

// exclude returns the flag that excludes a sample from the subset. If this command makes no selection, it returns the
// flag of `harvest select`.
func (f outputFolder) exclude() string {
	if f.trainer != "" {
		return "`harvest select --exclude`"
	}
	return "--exclude"
}
