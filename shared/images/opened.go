package images

import (
	"context"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// A look finds the object of an image by its name.
type look func(ctx context.Context, from bucket.Reader, object, name string) (Location, *dataset.Fault, error)

// lookFor is how the images of a sample are looked for. The only image of a sample is opened in the same request, where
// the bucket can: most samples have one, and each request costs. Several are looked for first, because their sizes
// together decide whether any is read.
func (f *Fetcher) lookFor(sample *dataset.Sample) look {
	if len(sample.Images) == 1 {
		return f.opened
	}
	return f.stat
}

// opened is stat of an image that is to be read: its location holds its content, which is not read yet.
func (f *Fetcher) opened(
	ctx context.Context, from bucket.Reader, object, name string,
) (Location, *dataset.Fault, error) {
	whole, ok := from.(bucket.WholeOpener)
	if !ok {
		return f.stat(ctx, from, object, name)
	}
	attrs, body, err := whole.OpenWhole(ctx, object)
	if err == nil {
		return Location{Bucket: from, Attrs: attrs, body: body}, nil, nil
	}
	fault, err := readFault(name, object, err)
	return Location{}, fault, err
}

// content is what lies at a location, to be closed.
func (l Location) content(ctx context.Context) (io.ReadCloser, error) {
	if l.body != nil {
		return l.body, nil
	}
	return l.Bucket.Open(ctx, l.Name, l.Generation, 0, -1)
}

// close gives back what the location holds.
func (l Location) close() {
	if l.body != nil {
		_ = l.body.Close() // nothing was written
	}
}
