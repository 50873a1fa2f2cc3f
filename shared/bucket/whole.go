package bucket

import (
	"context"
	"fmt"
	"io"
	"os"
)

// A TooLargeError is the error of an input that is read whole and exceeds its limit.
type TooLargeError struct {
	Name        string
	Size, Limit int64 // in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, and the limit is %d", e.Name, e.Size, e.Limit)
}

// ReadWhole reads an object of at most limit bytes whole. The error of a larger one is a *TooLargeError.
func ReadWhole(ctx context.Context, b Reader, name string, limit int64) ([]byte, error) {
	r, err := b.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	return readWhole(r, name, limit, func() (int64, error) {
		attrs, err := b.Stat(ctx, name)
		return attrs.Size, err
	})
}

// ReadWholeFile reads a file of this machine of at most limit bytes whole. The error of a larger one is a
// *TooLargeError.
func ReadWholeFile(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readWhole(file, name, limit, func() (int64, error) {
		info, err := file.Stat()
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	})
}

func readWhole(r io.Reader, name string, limit int64, size func() (int64, error)) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) <= limit {
		return data, nil
	}
	bytes, err := size()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return nil, &TooLargeError{Name: name, Size: max(bytes, limit+1), Limit: limit} // a pipe has no size
}
