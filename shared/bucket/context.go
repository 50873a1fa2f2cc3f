package bucket

import (
	"context"
	"io"
)

// WithContext reads from r until the context is done.
func WithContext(ctx context.Context, r io.ReadCloser) io.ReadCloser { return contextReader{ctx, r, r} }

// contextReader reads until its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
	io.Closer
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// contextWriter writes until its context is done.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// copiedBytes is the number of bytes that are copied between two checks of the context.
const copiedBytes = 16 << 20

// ReadFrom lets the system copy from a file to a file.
func (w contextWriter) ReadFrom(r io.Reader) (copied int64, err error) {
	for {
		if err := w.ctx.Err(); err != nil {
			return copied, err
		}
		n, err := io.CopyN(w.w, r, copiedBytes)
		if copied += n; err == io.EOF {
			return copied, nil
		} else if err != nil {
			return copied, err
		}
	}
}
