package hfparquet

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// A readerAt reads a container's source at offsets. It wraps errors of the source in a sourceError, to distinguish them
// from faults in the file's content.
type readerAt struct {
	ctx  context.Context
	from container.Source
}

// ReadAt reads len(b) bytes with one request.
func (r *readerAt) ReadAt(b []byte, offset int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	body, err := r.from.Open(r.ctx, offset, int64(len(b)))
	if err != nil {
		return 0, &sourceError{err}
	}
	n, err := io.ReadFull(body, b)
	closing := body.Close()
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return n, io.EOF
	case err != nil:
		return n, &sourceError{err}
	case closing != nil:
		return n, &sourceError{closing}
	}
	return n, nil
}

// A sourceError is an error of a source.
type sourceError struct{ error }

// Unwrap returns the source's error.
func (e *sourceError) Unwrap() error { return e.error }

func isSource(err error) bool {
	var source *sourceError
	return errors.As(err, &source)
}

// explain returns an error of a file's content with the fix.
func explain(err error) string {
	var page *pages.PageError
	var row *pages.RowError
	switch {
	case errors.As(err, &page):
		return err.Error()
	case errors.As(err, &row):
		return err.Error() + "; shorten it"
	default:
		return err.Error() + downloadAgain
	}
}

// openFrom opens the file of a source.
func openFrom(ctx context.Context, from container.Source) (*file, error) {
	return openAt(&readerAt{ctx, from})
}

func openAt(in *readerAt) (*file, error) {
	size, err := in.from.Size(in.ctx)
	if err != nil {
		return nil, &sourceError{err}
	}
	return open(in, size)
}
