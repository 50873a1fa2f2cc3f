package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/subset"
)

// convertSubset writes the records of a subset in another form. The subset holds those of the manifests one after the
// other.
func convertSubset(file string, manifests []subset.Manifest, to string) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	next, stop := iter.Pull2(records(from))
	defer stop()
	return writeWhole(file, func(w io.Writer) error {
		out := dataset.NewWriter(w, formatOf(file), dataset.Part{First: true, Last: true})
		for _, m := range manifests {
			convert, err := m.Reading.Converter(to)
			if err != nil {
				return err
			}
			for n := range m.Selected {
				raw, err, ok := next()
				if err == nil && !ok {
					err = fmt.Errorf("%s: it has fewer records than were selected", file)
				}
				if err != nil {
					return err
				}
				converted, err := convert(raw, dataset.Place{Manifest: path.Base(m.Name), Element: int64(n) + 1})
				if loss, ok := errors.AsType[*forms.LossError](err); ok {
					return fmt.Errorf("--output-format %s: record %d of %s in the subset would lose something (%w); leave "+
						"the flag out, or leave the record out with --exclude: its id is %s",
						to, n+1, path.Base(m.Name), loss, forms.Parse(raw, dataset.Place{}).ID)
				} else if err != nil {
					return err
				}
				if err := out.Write(converted); err != nil {
					return err
				}
			}
		}
		return out.Close()
	})
}
