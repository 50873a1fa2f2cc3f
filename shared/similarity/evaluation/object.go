package evaluation

import (
	"context"
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// An objectSource is an object that implements container.Source.
type objectSource struct {
	in     bucket.Reader
	object Object
}

// Size implements container.Source.
func (s objectSource) Size(context.Context) (int64, error) { return s.object.Size, nil }

// Open implements container.Source.
func (s objectSource) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return s.in.Open(ctx, s.object.Name, s.object.Generation, offset, length)
}

// An objectSeeker reads an object, and can continue at any offset. Each change of the offset takes a request.
type objectSeeker struct {
	ctx  context.Context
	from objectSource
	at   int64
	body io.ReadCloser
}

func (s *objectSeeker) Read(b []byte) (int, error) {
	if s.body == nil {
		body, err := s.from.Open(s.ctx, s.at, -1)
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
		return 0, errors.New("the offset of an object is counted from its start")
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
