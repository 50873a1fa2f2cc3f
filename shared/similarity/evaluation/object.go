package evaluation

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// An objectSource is an object as a container's source.
type objectSource struct {
	in   bucket.Reader
	name string
}

func (s objectSource) Size(ctx context.Context) (int64, error) {
	attrs, err := s.in.Stat(ctx, s.name)
	return attrs.Size, err
}

func (s objectSource) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return s.in.Open(ctx, s.name, 0, offset, length)
}

// An objectSeeker reads an object from any place on, with a request for each.
type objectSeeker struct {
	ctx  context.Context
	in   bucket.Reader
	name string
	at   int64
	body io.ReadCloser
}

func (s *objectSeeker) Read(b []byte) (int, error) {
	if s.body == nil {
		body, err := s.in.Open(s.ctx, s.name, 0, s.at, -1)
		if err != nil {
			return 0, err
		}
		s.body = body
	}
	n, err := s.body.Read(b)
	s.at += int64(n)
	return n, err
}

func (s *objectSeeker) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("an object is read from its start")
	}
	err := s.Close()
	s.at = offset
	return offset, err
}

func (s *objectSeeker) Close() error {
	if s.body == nil {
		return nil
	}
	body := s.body
	s.body = nil
	return body.Close()
}
