package images

import (
	"context"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
)

// picturePixels is the largest number of pixels of an image that Picture decodes.
const picturePixels = 50_000_000

// Picture returns the Thumbnail of an image. It decodes the image within the memory budget of the process. It returns a
// fault for an image of more than 50 million pixels, and an error if the context has ended or if the process was
// started with other limits.
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
	// The budget has room for a step of MaxDecodedBytes. A thumbnail may need slightly more, which is ignored.
	bytes := min(measured.Decoded+ThumbnailBytes(size), limits.MaxDecodedBytes)
	err = budget.Step(ctx, bytes, func() { small, fault = Thumbnail(data, size) })
	return small, fault, err
}
