package images

import (
	"context"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
)

// picturePixels is the largest image that is decoded for a picture.
const picturePixels = 50_000_000

// Picture is Thumbnail within the memory of a process. Images of more than 50 million pixels have none, and no more
// memory is taken than the limits allow for an image. The error is that of a context that ended, or of limits that the
// process was not started for.
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
	// The process was started for steps of so many bytes; what a picture takes more is little.
	bytes := min(measured.Decoded+ThumbnailBytes(size), limits.MaxDecodedBytes)
	err = budget.Step(ctx, bytes, func() { small, fault = Thumbnail(data, size) })
	return small, fault, err
}
