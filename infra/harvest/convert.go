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
	"github.com/harvest-ml/harvest/shared/subset"
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
	err = writeWhole(converted, func(w io.Writer) error {
		return convertSubset(w, from, f.selection.Manifests, f.format)
	})
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

// convertSubset writes the records of a subset in another form. The subset holds those of the manifests one after the
// other.
func convertSubset(w io.Writer, from *subsetFile, manifests []subset.Manifest, to string) error {
	out := from.writer(w)
	for _, m := range manifests {
		convert, err := m.Reading.Converter(to)
		if err != nil {
			return err
		}
		err = from.each(m.Selected, func(number int, record dataset.Record) error {
			place := dataset.Place{Manifest: path.Base(m.Name), Element: int64(number), Line: int64(number)}
			converted, err := convert(record.Raw, place)
			if loss, ok := errors.AsType[*forms.LossError](err); ok {
				return fmt.Errorf("--output-format %s: record %d of %s in the subset would lose something (%w); leave "+
					"the flag out, or leave the record out with --exclude: its id is %s",
					to, number, path.Base(m.Name), loss, spelling.Shown(forms.Parse(record.Raw, place).ID))
			} else if err != nil {
				return err
			}
			return out.Write(converted)
		})
		if err != nil {
			return err
		}
	}
	return out.Close()
}
