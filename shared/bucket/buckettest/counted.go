package buckettest

import (
	"context"
	"io"
	"iter"
	"sync/atomic"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A Counted is a bucket that counts its requests as Cloud Storage does: a listing takes one request for each 1,000
// names.
type Counted struct {
	bucket.Bucket
	Requests *atomic.Int64
}

// Stat implements bucket.Reader.
func (b Counted) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	b.Requests.Add(1)
	return b.Bucket.Stat(ctx, name)
}

// Open implements bucket.Reader.
func (b Counted) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	b.Requests.Add(1)
	return b.Bucket.Open(ctx, name, generation, offset, length)
}

// List implements bucket.Reader.
func (b Counted) List(ctx context.Context, prefix, after string) iter.Seq2[bucket.Attrs, error] {
	return func(yield func(bucket.Attrs, error) bool) {
		b.Requests.Add(1)
		listed := 0
		for attrs, err := range b.Bucket.List(ctx, prefix, after) {
			if listed++; listed > 1000 {
				b.Requests.Add(1)
				listed = 1
			}
			if !yield(attrs, err) {
				return
			}
		}
	}
}

// Create implements bucket.Bucket.
func (b Counted) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	b.Requests.Add(1)
	return b.Bucket.Create(ctx, name, write)
}

// Compose implements bucket.Bucket.
func (b Counted) Compose(ctx context.Context, name string, parts []string) error {
	b.Requests.Add(1)
	return b.Bucket.Compose(ctx, name, parts)
}
