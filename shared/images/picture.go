package images

import (
	"context"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
)

// picturePixels is the largest image that is decoded for a picture.
const picturePixels = 50_000_000

// Picture is Thumbnail within the memory of a process. An image of more than 50 million pixels has no picture. Memory
// stays within the limits for an image. The error says that the context ended, or that the process was started with
// other limits.
func Picture(
	ctx context.Context, budget *memory.Budget, data []byte, size int, limits Limits,
) (small []byte, fault *dataset.Fault, err error) {
	limits.MaxPixels = min(limits.MaxPixels, picturePixels)
	if fault := Check(data, limits); fault != nil {
		return nil, fault, nil
	}
	measured, fault := Measure(data)
	if fault != nil {
		return nil, fault, nil
	}
	// The process has room for a step of MaxDecodedBytes. A picture may need a little more, which is ignored.
	bytes := min(measured.Decoded+ThumbnailBytes(size), limits.MaxDecodedBytes)
	err = budget.Step(ctx, bytes, func() { small, fault = Thumbnail(data, size) })
	return small, fault, err
}
