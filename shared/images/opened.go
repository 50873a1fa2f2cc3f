package images

import (
	"context"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// A look finds the object of the image with a name, or returns the image's fault.
type look func(ctx context.Context, from bucket.Reader, object, name string) (Location, *dataset.Fault, error)

const (
	// maxOpen is the largest number of images of a sample that are open before the first image is read. No further image
	// is opened when the open images have maxOpenBytes bytes together. A connection buffers up to 4 MiB of unread content,
	// and the memory budget does not count these buffers.
	maxOpen      = 8
	maxOpenBytes = 4 << 20
)

// lookFor returns the look for the next image of a sample. located are the images before it. The first images are
// opened by the request that finds them, if the bucket supports this. This saves requests, which cost money. If a
// sample has many or large images, the further images are only located, because no image is read before the sizes of
// all images are known.
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

// closeAll closes the open images of locations.
func closeAll(located []Location) {
	for _, at := range located {
		at.close()
	}
}

// opened is a look like stat that also opens the object, in one request if the bucket is a bucket.WholeOpener.
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

// content returns a reader of the image at a location. The caller closes it.
func (l Location) content(ctx context.Context) (io.ReadCloser, error) {
	if l.body != nil {
		return l.body, nil
	}
	return l.Bucket.Open(ctx, l.Name, l.Generation, 0, -1)
}

// close closes the image, if it is open.
func (l Location) close() {
	if l.body != nil {
		_ = l.body.Close() // nothing was written
	}
}
