package dataset

import (
	"io"
	"math"
)

// EachSample reads a whole manifest of a file name, and calls use for each of its samples in their order, valid or
// with its Problem. The first error of file, of its structure, or of use ends it.
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
