package main

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/subset"
)

// convertSubset writes the records of a subset in another form. The subset holds those of the manifests one after the
// other.
func convertSubset(file string, manifests []subset.Manifest, to string) error {
	from, err := openSubset(file)
	if err != nil {
		return err
	}
	defer from.Close()
	return writeWhole(file, func(w io.Writer) error {
		out := from.writer(w)
		for _, m := range manifests {
			convert, err := m.Reading.Converter(to)
			if err != nil {
				return err
			}
			err = from.each(m.Selected, func(number int, raw []byte) error {
				converted, err := convert(raw, dataset.Place{Manifest: path.Base(m.Name), Element: int64(number)})
				if loss, ok := errors.AsType[*forms.LossError](err); ok {
					return fmt.Errorf("--output-format %s: record %d of %s in the subset would lose something (%w); leave "+
						"the flag out, or leave the record out with --exclude: its id is %s",
						to, number, path.Base(m.Name), loss, forms.Parse(raw, dataset.Place{}).ID)
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
	})
}
