package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// readAt implements io.ReaderAt.
type readAt func(p []byte, offset int64) (int, error)

func (r readAt) ReadAt(p []byte, offset int64) (int, error) { return r(p, offset) }

// OpenAt returns a reader of parts of an object, and the object's size in bytes. Each ReadAt makes a request. The error
// is ErrNotExist if there is no such object. When the context ends, reading fails.
func OpenAt(ctx context.Context, b Reader, name string) (io.ReaderAt, int64, error) {
	attrs, err := b.Stat(ctx, name)
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", name, err)
	}
	return readAt(func(p []byte, offset int64) (int, error) {
		body, err := b.Open(ctx, name, attrs.Generation, offset, int64(len(p)))
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", name, err)
		}
		defer body.Close()
		n, err := io.ReadFull(body, p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return n, err
	}), attrs.Size, nil
}
