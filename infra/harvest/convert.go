package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// converted makes the subset with its records in another form, in a folder for temporary files, and returns what writes
// it.
func (f outputFolder) converted(ctx context.Context, temporary string) (func(io.Writer) error, error) {
	object := f.selection.Outputs.Subset
	stored, converted := filepath.Join(temporary, path.Base(object)), filepath.Join(temporary, "converted")
	err := writeWhole(stored, func(w io.Writer) error { return f.subsets.CopyOutput(ctx, f.selection, object, w) })
	if err != nil {
		return nil, err
	}
	from, err := openSubset(ctx, stored)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	err = writeWhole(converted, func(w io.Writer) error { return f.convert(ctx, w, from) })
	return func(w io.Writer) error {
		file, err := os.Open(converted)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(w, file)
		return err
	}, err
}

// convert writes the records of a subset in the other form.
func (f outputFolder) convert(ctx context.Context, w io.Writer, from *subsetFile) error {
	if f.format != forms.WebDataset {
		out := from.writer(w)
		err := f.convertRecords(from, func(_ int, record []byte, _ dataset.Place) error { return out.Write(record) })
		if err != nil {
			return err
		}
		return out.Close()
	}
	out, err := f.newTarSubset(ctx, w)
	if err != nil {
		return err
	}
	err = f.convertRecords(from, func(manifest int, record []byte, place dataset.Place) error {
		return out.write(ctx, manifest, record, place)
	})
	return errors.Join(err, out.close(err == nil))
}

// convertRecords calls use with each record of a subset in the other form, the number of its manifest, and its place in
// the subset. The subset holds those of the manifests one after the other.
func (f outputFolder) convertRecords(
	from *subsetFile, use func(manifest int, record []byte, place dataset.Place) error,
) error {
	for i, m := range f.selection.Manifests {
		convert, err := m.Reading.Converter(f.format)
		if err != nil {
			return err
		}
		err = from.each(m.Selected, func(number int, record dataset.Record) error {
			place := dataset.Place{Manifest: path.Base(m.Name), Element: int64(number), Line: int64(number)}
			converted, err := convert(record.Raw, place)
			if err == nil {
				err = use(i, converted, place)
			}
			if loss, ok := errors.AsType[*forms.LossError](err); ok {
				return fmt.Errorf("--output-format %s: record %d of %s in the subset would lose something (%w); leave "+
					"the flag out, or leave the record out with --exclude: its id is %s",
					f.format, number, path.Base(m.Name), loss, spelling.Shown(forms.Parse(record.Raw, place).ID))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// subsetName is the name of the file of the subset.
func (f outputFolder) subsetName() string {
	if f.format == forms.WebDataset {
		return "subset." + string(dataset.Tar)
	}
	return path.Base(f.selection.Outputs.Subset)
}
