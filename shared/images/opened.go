package images

import (
	"context"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// A look finds the object of an image by its name.
type look func(ctx context.Context, from bucket.Reader, object, name string) (Location, *dataset.Fault, error)

const (
	// maxOpen is how many images of a sample are open at most before the first is read, and maxOpenBytes how many bytes
	// those before the last of them have together: a connection holds up to 4 MiB of what is not read, and no budget
	// counts them.
	maxOpen      = 8
	maxOpenBytes = 4 << 20
)

// lookFor is how the next image of a sample is looked for. It is opened in the same request, where the bucket can: each
// request costs. Further ones of a sample with many or large images are looked for first: the sizes of all together
// decide whether any is read.
func (f *Fetcher) lookFor(located []Location) look {
	open, size := 0, int64(0)
	for _, at := range located {
		if at.body != nil {
			open, size = open+1, size+at.Size
		}
	}
	if open < maxOpen && size < maxOpenBytes {
		return f.opened
	}
	return f.stat
}

// closeAll gives back what locations hold.
func closeAll(located []Location) {
	for _, at := range located {
		at.close()
	}
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
