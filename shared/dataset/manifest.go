package dataset

import (
	"io"
	"math"
)

// EachSample reads a whole manifest and calls use for each of its samples in order, valid or with a Problem. name is
// the manifest's file name. It stops at the first error: of file, of the manifest's structure, or of use.
func EachSample(
	file io.ReadSeeker, name string, limits Limits, parse Parser, use func(*Sample) error,
) error {
	layout, err := Split(file, math.MaxInt64)
	if err != nil {
		return err
	}
	for _, span := range layout.Ranges {
		if _, err := file.Seek(span.Start, io.SeekStart); err != nil {
			return err
		}
		reader, err := NewReader(file, layout.Framing, span, name, limits, parse)
		if err != nil {
			return err
		}
		for {
			sample, err := reader.Next()
			if err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			if err := use(sample); err != nil {
				return err
			}
		}
	}
	return nil
}
