package kinds

import (
	"context"
	"io"
	"math"
	"os"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

// OfFile returns the kind of a file of this machine; false if the file is not a container.
func OfFile(file *os.File) (container.Kind, bool, error) {
	head := make([]byte, container.HeadBytes)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return container.Kind{}, false, err
	}
	kind, contained := Of(head[:n])
	return kind, contained, nil
}

// EachSample reads a whole manifest, a text or a container, and calls use for each of its samples in order, valid or
// with a Problem. name is the manifest's file name. It stops at the first error: of file, of the manifest's structure,
// or of use.
func EachSample(
	ctx context.Context, file *os.File, name string, limits dataset.Limits, parse dataset.Parser,
	use func(*dataset.Sample) error,
) error {
	kind, contained, err := OfFile(file)
	if err != nil {
		return err
	}
	if !contained {
		return dataset.EachSample(file, name, limits, parse, use)
	}
	return EachContained(ctx, kind, container.FileSource(file), name, limits, parse, use)
}

// EachContained does the same as EachSample for a container of this kind in any source.
func EachContained(
	ctx context.Context, kind container.Kind, source container.Source, name string, limits dataset.Limits,
	parse dataset.Parser, use func(*dataset.Sample) error,
) (err error) {
	var scan dataset.Scan
	for !scan.Done {
		if scan, err = kind.Scan(ctx, source, scan, math.MaxInt64, math.MaxInt64); err != nil {
			return err
		}
	}
	for _, span := range scan.Ranges {
		for record, err := range kind.Records(ctx, source, span, name, limits) {
			if err != nil {
				return err
			}
			if err := use(record.Sample(parse)); err != nil {
				return err
			}
		}
	}
	return nil
}
