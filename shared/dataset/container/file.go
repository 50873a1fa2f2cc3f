package container

import (
	"context"
	"io"
	"math"
	"os"
)

// FileSource returns a source that reads a file of this machine. The file must stay open.
func FileSource(file *os.File) Source { return fileSource{file} }

type fileSource struct{ file *os.File }

func (s fileSource) Size(context.Context) (int64, error) {
	info, err := s.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s fileSource) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = math.MaxInt64 - offset
	}
	return io.NopCloser(io.NewSectionReader(s.file, offset, length)), nil
}
